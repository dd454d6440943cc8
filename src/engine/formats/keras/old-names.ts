import type { KerasLayer } from './keras-config.ts'

/** Keras 1 called its layers and their options otherwise: told in today's names. */

const classes: Readonly<Record<string, string>> = {
  Convolution2D: 'Conv2D',
  SeparableConvolution2D: 'SeparableConv2D',
  Deconvolution2D: 'Conv2DTranspose',
  Convolution2DTranspose: 'Conv2DTranspose',
  MaxPool2D: 'MaxPooling2D',
  AvgPool2D: 'AveragePooling2D',
  GlobalAvgPool2D: 'GlobalAveragePooling2D',
  GlobalMaxPool2D: 'GlobalMaxPooling2D',
  BatchNormalizationV1: 'BatchNormalization',
  BatchNormalizationV2: 'BatchNormalization',
  SyncBatchNormalization: 'BatchNormalization',
}

const options: Readonly<Record<string, string>> = {
  nb_filter: 'filters',
  subsample: 'strides',
  border_mode: 'padding',
  output_dim: 'units',
  bias: 'use_bias',
  dim_ordering: 'data_format',
  p: 'rate',
  atrous_rate: 'dilation_rate',
}

const merges: Readonly<Record<string, string>> = {
  sum: 'Add',
  mul: 'Multiply',
  ave: 'Average',
  max: 'Maximum',
  concat: 'Concatenate',
}

export function inTodaysNames(layer: KerasLayer): Pick<KerasLayer, 'name' | 'className' | 'config'> {
  const { name, className, config } = layer
  if (className === 'Merge') {
    const merged = Object.hasOwn(merges, String(config.mode)) ? merges[String(config.mode)] : className
    return { name, className: merged, config: { ...config, axis: config.concat_axis ?? -1 } }
  }
  const renamed = Object.entries(config).map(([key, value]) => [
    Object.hasOwn(options, key) ? options[key] : key,
    value,
  ])
  const known = Object.fromEntries(renamed)
  // Its formats are called tf and th; rows and columns of a window stand apart.
  if (known.data_format === 'th') known.data_format = 'channels_first'
  if (known.nb_row !== undefined) known.kernel_size = [known.nb_row, known.nb_col]
  return { name, className: Object.hasOwn(classes, className) ? classes[className] : className, config: known }
}
