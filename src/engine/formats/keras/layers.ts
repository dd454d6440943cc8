import { shown } from '../../arguments.ts'
import { type ActivationName, activations } from '../../model/layers/activations.ts'
import type { AnyLayerDescription, LayerDescription } from '../../model/layers/registry.ts'
import type { Shape } from '../../tensor.ts'
import { isJsonObject } from '../strict-json.ts'
import { type LayerOptions, Unsupported } from './layer-options.ts'

/**
 * Keras's layers as ours: one function a class, from its options to what we do, one layer or several one behind the other. The first has
 * the name and the weights; none at all is a layer that does nothing in use.
 *
 * @param inputs shapes of what it is called with, without the batch axis; null where that can't be known
 * @throws Unsupported, FormatError
 */
type Converter = (options: LayerOptions, inputs: readonly (Shape | null)[]) => readonly AnyLayerDescription[]

/** Layers that are there for training, or for what is no image: what goes in comes out. */
const nothing: Converter = () => []

const merge =
  (layer: 'add' | 'multiply' | 'average' | 'maximum' | 'minimum' | 'subtract'): Converter =>
  () => [{ layer }]

/** Layers that are activations, which others may end in. */
const activationLayers: Readonly<Record<string, (...given: Parameters<Converter>) => readonly LayerDescription[]>> = {
  ReLU: (options) => [
    {
      layer: 'reLU',
      ...(options.has('max_value') && { maxValue: options.number('max_value') }),
      negativeSlope: options.number('negative_slope', 0),
      threshold: options.number('threshold', 0),
    },
  ],
  ThresholdedReLU: (options) => [{ layer: 'thresholdedReLU', theta: options.number('theta', 1) }],
  Softmax: (options) => {
    const axes = options.wholes('axis', [-1])
    if (axes.length !== 1) throw new Unsupported(`works along the axes ${axes.join(', ')}; known is one`)
    return [{ layer: 'softmax', axis: axes[0] }]
  },
  LeakyReLU: (options) => [
    { layer: 'leakyReLU', negativeSlope: options.number('negative_slope', options.number('alpha', 0.3)) },
  ],
  ELU: (options) => [{ layer: 'elu', alpha: options.number('alpha', 1) }],
  PReLU: (options) => [{ layer: 'prelu', sharedAxes: options.wholes('shared_axes', []) }],
}

/** By Keras's names of their classes. */
export const converters: Readonly<Record<string, Converter>> = {
  Conv2D: (options) => {
    const { convolution, after } = convolutionOf(options)
    const groups = options.whole('groups', 1)
    return [
      { layer: 'conv2d', filters: options.whole('filters'), ...convolution, ...(groups > 1 && { groups }) },
      ...after,
    ]
  },
  DepthwiseConv2D: (options) => {
    const { convolution, after } = convolutionOf(options)
    return [
      { layer: 'depthwiseConv2d', depthMultiplier: options.whole('depth_multiplier', 1), ...convolution },
      ...after,
    ]
  },
  SeparableConv2D: (options) => {
    const { convolution, after } = convolutionOf(options)
    const [filters, depthMultiplier] = [options.whole('filters'), options.whole('depth_multiplier', 1)]
    return [{ layer: 'separableConv2d', filters, depthMultiplier, ...convolution }, ...after]
  },
  Conv2DTranspose: (options) => {
    const { convolution, after } = convolutionOf(options)
    const outputPadding = options.has('output_padding') ? { outputPadding: options.pair('output_padding') } : {}
    return [{ layer: 'conv2dTranspose', filters: options.whole('filters'), ...convolution, ...outputPadding }, ...after]
  },
  Dense: (options) => {
    const { activation, after } = activationOf(options)
    const useBias = options.flag('use_bias', true)
    return [{ layer: 'dense', units: options.whole('units'), ...activation, ...(!useBias && { useBias }) }, ...after]
  },
  MultiHeadAttention: (options, inputs) => {
    // All axes between the batch's and the features' are places, unless some are named.
    const places = inputs[0]?.slice(1).map((_, axis) => axis + 1) ?? [1]
    const axes = options.wholes('attention_axes', places)
    if (axes.join() !== places.join())
      throw new Unsupported(`attends along axis ${axes.join(', ')} of ${places.join(', ')}; known is along all`)
    const valueDim = options.has('value_dim') ? { valueDim: options.whole('value_dim') } : {}
    const outputShape = options.has('output_shape') ? { outputShape: options.wholes('output_shape') } : {}
    return [
      {
        layer: 'multiHeadAttention',
        numHeads: options.whole('num_heads'),
        keyDim: options.whole('key_dim'),
        useBias: options.flag('use_bias', true),
        dropout: options.number('dropout', 0),
        ...valueDim,
        ...outputShape,
      },
    ]
  },

  BatchNormalization: (options, inputs) => {
    checkLastAxis(options, 'axis', inputs[0])
    options.expect('mode', 0, 2)
    return [{ layer: 'batchNormalization', momentum: options.number('momentum', 0.99), ...normalizationOf(options) }]
  },
  LayerNormalization: (options, inputs) => {
    checkLastAxis(options, 'axis', inputs[0])
    if (options.flag('rms_scaling', false)) throw new Unsupported('has rms_scaling, which is not known')
    return [{ layer: 'layerNormalization', ...normalizationOf(options) }]
  },
  GroupNormalization: (options, inputs) => {
    checkLastAxis(options, 'axis', inputs[0])
    return [{ layer: 'groupNormalization', groups: options.whole('groups', 32), ...normalizationOf(options) }]
  },
  Rescaling: (options) => {
    const [scales, offsets] = [options.numbersOrNull('scale') ?? [], options.numbersOrNull('offset') ?? [0]]
    if (scales.length === 1 && offsets.length === 1)
      return [{ layer: 'rescaling', scale: options.number('scale'), offset: options.number('offset', 0) }]
    // A number a channel: x · scale + offset is (x + offset / scale) / (1 / scale).
    const channels = Math.max(scales.length, offsets.length)
    const all = Array.from({ length: channels }, (_, i) => [scales[i] ?? scales[0], offsets[i] ?? offsets[0]] as const)
    if (!all.every(([scale]) => scale > 0)) throw new Unsupported('has scales that are not above 0 for each channel')
    const mean = all.map(([scale, offset]) => -offset / scale)
    return [{ layer: 'normalization', mean, variance: all.map(([scale]) => 1 / scale ** 2) }]
  },
  Normalization: (options, inputs) => {
    if (options.has('axis')) checkLastAxis(options, 'axis', inputs[0])
    const [mean, variance] = [options.numbersOrNull('mean'), options.numbersOrNull('variance')]
    if (!mean || !variance) throw new Unsupported('has no mean and variance, neither as options nor as weights')
    return [{ layer: 'normalization', mean, variance, invert: options.flag('invert', false) }]
  },

  MaxPooling2D: (options) => [{ layer: 'maxPooling2d', ...poolingOf(options) }],
  AveragePooling2D: (options) => [{ layer: 'averagePooling2d', ...poolingOf(options) }],
  GlobalAveragePooling2D: (options) => {
    options.checkChannelsLast()
    return [{ layer: 'globalAveragePooling2d', keepDims: options.flag('keepdims', false) }]
  },
  GlobalMaxPooling2D: (options) => {
    options.checkChannelsLast()
    return [{ layer: 'globalMaxPooling2d', keepDims: options.flag('keepdims', false) }]
  },
  UpSampling2D: (options) => {
    options.checkChannelsLast()
    const interpolation = options.text('interpolation', 'nearest')
    if (interpolation !== 'nearest' && interpolation !== 'bilinear')
      throw new Unsupported(`has interpolation ${shown(interpolation)}; known are nearest and bilinear`)
    return [{ layer: 'upSampling2d', size: options.pair('size', [2, 2]), interpolation }]
  },

  Resizing: (options) => {
    options.checkChannelsLast()
    for (const name of ['crop_to_aspect_ratio', 'pad_to_aspect_ratio', 'antialias']) options.expect(name, false)
    const interpolation = options.text('interpolation', 'bilinear')
    if (interpolation !== 'nearest' && interpolation !== 'bilinear')
      throw new Unsupported(`has interpolation ${shown(interpolation)}; known are nearest and bilinear`)
    return [{ layer: 'resizing', height: options.whole('height'), width: options.whole('width'), interpolation }]
  },

  Flatten: (options) => {
    options.checkChannelsLast()
    return [{ layer: 'flatten' }]
  },
  Reshape: (options) => [{ layer: 'reshape', targetShape: options.wholes('target_shape') }],
  Permute: (options) => [{ layer: 'permute', dims: options.wholes('dims') }],
  ZeroPadding2D: (options) => {
    options.checkChannelsLast()
    return [{ layer: 'zeroPadding2d', padding: bordersOf(options, 'padding', 1) }]
  },
  Cropping2D: (options) => {
    options.checkChannelsLast()
    return [{ layer: 'cropping2d', cropping: bordersOf(options, 'cropping', 0) }]
  },

  Dropout: (options) => [{ layer: 'dropout', rate: options.number('rate') }],
  SpatialDropout2D: (options) => [{ layer: 'spatialDropout2d', rate: options.number('rate') }],
  GaussianDropout: (options) => [{ layer: 'gaussianDropout', rate: options.number('rate') }],
  GaussianNoise: (options) => [{ layer: 'gaussianNoise', stddev: options.number('stddev') }],
  AlphaDropout: nothing,
  ActivityRegularization: nothing,
  Identity: nothing,
  RandomFlip: (options) => {
    const modes = {
      horizontal: 'horizontal',
      vertical: 'vertical',
      horizontal_and_vertical: 'horizontalAndVertical',
    } as const
    const mode = Object.entries(modes).find(([name]) => name === options.text('mode', 'horizontal_and_vertical'))
    return mode ? [{ layer: 'randomFlip', mode: mode[1] }] : []
  },
  RandomCrop: (options) => {
    options.checkChannelsLast()
    if (options.version < 3) throw new Unsupported("is Keras 2's, which resizes images that are too small")
    return [{ layer: 'randomCrop', height: options.whole('height'), width: options.whole('width') }]
  },
  RandomRotation: nothing,
  RandomZoom: nothing,
  RandomTranslation: nothing,
  RandomContrast: nothing,
  RandomBrightness: nothing,
  RandomShear: nothing,
  RandomColorJitter: nothing,
  RandomColorDegeneration: nothing,
  RandomGrayscale: nothing,
  RandomHue: nothing,
  RandomSaturation: nothing,
  RandomSharpness: nothing,
  RandomPosterization: nothing,
  RandomInvert: nothing,
  RandomErasing: nothing,
  RandomGaussianBlur: nothing,
  RandomPerspective: nothing,
  RandomElasticTransform: nothing,
  RandAugment: nothing,
  AugMix: nothing,
  CutMix: nothing,
  MixUp: nothing,
  AutoContrast: () => {
    throw new Unsupported('changes images in use, too; it is not known')
  },

  Activation: (options) => {
    const { activation, after } = activationOf(options)
    if (after.length > 0) return after
    return [{ layer: 'activation', activation: activation.activation ?? 'linear' }]
  },
  ...activationLayers,

  Add: merge('add'),
  Multiply: merge('multiply'),
  Average: merge('average'),
  Maximum: merge('maximum'),
  Minimum: merge('minimum'),
  Subtract: merge('subtract'),
  Dot: (options) => {
    const axes = options.wholes('axes')
    if (axes.length > 2) throw new Unsupported(`sums over the axes ${axes.join(', ')}; known is one of each`)
    const [first, second = first] = axes
    return [{ layer: 'dot', axes: [first, second], normalize: options.flag('normalize', false) }]
  },
  Concatenate: (options) => [{ layer: 'concatenate', axis: options.whole('axis', -1) }],
}

/** Windows, and what is done with what they see. */
function convolutionOf(options: LayerOptions) {
  options.checkChannelsLast()
  const { activation, after } = activationOf(options)
  const [strides, dilation] = [options.pair('strides', [1, 1]), options.pair('dilation_rate', [1, 1])]
  const convolution = {
    kernelSize: options.pair('kernel_size'),
    ...(strides.some((step) => step !== 1) && { strides }),
    ...(dilation.some((step) => step !== 1) && { dilationRate: dilation }),
    padding: paddingOf(options),
    ...activation,
    ...(!options.flag('use_bias', true) && { useBias: false }),
  }
  return { convolution, after }
}

function paddingOf(options: LayerOptions): 'same' | 'valid' {
  const padding = options.text('padding', 'valid')
  if (padding === 'same' || padding === 'valid') return padding
  throw new Unsupported(`has padding ${shown(padding)}; known are same and valid`)
}

function poolingOf(options: LayerOptions) {
  options.checkChannelsLast()
  const poolSize = options.pair('pool_size', [2, 2])
  return { poolSize, strides: options.pair('strides', poolSize), padding: paddingOf(options) }
}

function normalizationOf(options: LayerOptions) {
  const [center, scale] = [options.flag('center', true), options.flag('scale', true)]
  return {
    epsilon: options.number('epsilon', 0.001),
    ...(!center && { center }),
    ...(!scale && { scale }),
  }
}

/** One number for all sides, [height, width], or [[top, bottom], [left, right]]. */
function bordersOf(options: LayerOptions, name: string, fallback: number) {
  if (!options.has(name)) return fallback
  const sides = options.numbersOrNull(name) ?? []
  if (sides.length === 1) return sides[0]
  if (sides.length === 2) return [sides[0], sides[1]] as const
  if (sides.length === 4) return [[sides[0], sides[1]] as const, [sides[2], sides[3]] as const] as const
  throw new Unsupported(`has ${name} ${shown(options.raw(name))}`)
}

/** Axes count from the batch's, which is 0; one may be a list of one. @throws Unsupported for another than the last */
function checkLastAxis(options: LayerOptions, name: string, input: Shape | null | undefined): void {
  const axes = options.wholes(name, [-1])
  const last = input?.length
  if (axes.length !== 1 || (axes[0] !== -1 && last !== undefined && axes[0] !== last))
    throw new Unsupported(`works along axis ${axes.join(', ')}; known is the last, the channels'`)
}

interface AppliedActivation {
  /** As an option of the layer itself; empty where it needs none. */
  readonly activation: { readonly activation?: ActivationName }
  /** Layers that follow it, where no option will do. */
  readonly after: readonly LayerDescription[]
}

const other: Readonly<Record<string, ActivationName>> = {
  leaky_relu: 'leakyRelu',
  log_softmax: 'logSoftmax',
  hard_silu: 'hardSwish',
  hard_swish: 'hardSwish',
}

function activationOf(options: LayerOptions): AppliedActivation {
  const given = options.raw('activation')
  const name = nameOfActivation(given)
  if (name === undefined || name === 'linear') return { activation: {}, after: [] }
  if (isJsonObject(given) && isJsonObject(given.config) && Object.hasOwn(activationLayers, name))
    return { activation: {}, after: activationLayers[name](options.within(given.config), [null]) }
  if (name === 'hard_sigmoid') {
    // Keras 3's is relu6(x + 3) / 6; before it was cut at another slope.
    if (options.version >= 3) return { activation: { activation: 'hardSigmoid' }, after: [] }
    return {
      activation: {},
      after: [
        { layer: 'rescaling', scale: 0.2, offset: 0.5 },
        { layer: 'reLU', maxValue: 1 },
      ],
    }
  }
  const known = Object.hasOwn(other, name) ? other[name] : name
  if (isActivation(known)) return { activation: { activation: known }, after: [] }
  throw new Unsupported(`has the activation ${shown(name)}, which is not known`)
}

/** 'relu' alone, a function by its name, or a layer with options of its own. */
function nameOfActivation(given: unknown): string | undefined {
  if (given === undefined || typeof given === 'string') return given
  if (!isJsonObject(given)) throw new Unsupported(`has ${shown(given)} as its activation`)
  const { class_name: className, config } = given
  if (typeof config === 'string') return config
  if (typeof className === 'string') return className
  throw new Unsupported(`has ${shown(given)} as its activation`)
}

function isActivation(name: string): name is ActivationName {
  return Object.hasOwn(activations, name)
}
