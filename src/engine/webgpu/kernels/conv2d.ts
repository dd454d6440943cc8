import blendLoadCode from '../../../shaders/blend-load.wgsl?raw'
import conv2dCode from '../../../shaders/conv2d.wgsl?raw'
import inputGradientCode from '../../../shaders/conv2d-input-gradient.wgsl?raw'
import kernelGradientCode from '../../../shaders/conv2d-kernel-gradient.wgsl?raw'
import tapsInOnePixelCode from '../../../shaders/taps-in-one-pixel.wgsl?raw'
import tapsScatteredCode from '../../../shaders/taps-scattered.wgsl?raw'
import type { WindowAttributes } from '../../ops/window.ts'
import type { PlanOperand } from '../../plan.ts'
import {
  type Constants,
  type Dispatch,
  epilogueOf,
  gatherFour,
  i32,
  type Lowering,
  loadRows,
  read,
  scratch,
  storeRows,
} from '../dispatch.ts'
import { combine, wantedThreads } from './matmul.ts'

/** A partial kernel gradient is as large as the kernel: past this many, combining them costs more than it spreads. */
const maxSlices = 256

/** The window's walk and the image's extents, as every convolution and pooling kernel names them. */
export function windowConstants(w: WindowAttributes, height: number, width: number): Constants {
  return {
    HEIGHT: i32(height),
    WIDTH: i32(width),
    OUT_HEIGHT: i32(w.outHeight),
    OUT_WIDTH: i32(w.outWidth),
    WINDOW_HEIGHT: i32(w.windowHeight),
    WINDOW_WIDTH: i32(w.windowWidth),
    STRIDE_Y: i32(w.strideY),
    STRIDE_X: i32(w.strideX),
    PAD_TOP: i32(w.padTop),
    PAD_LEFT: i32(w.padLeft),
  }
}

interface Images {
  readonly shape: readonly number[]
  readonly bindings: Dispatch['bindings']
  readonly functions: readonly string[]
}

/** conv2d's images: stored, or blended while they are loaded. */
function imagesOf(inputs: readonly PlanOperand[], blend: boolean): Images {
  if (!blend) {
    const x = loadRows('x', inputs[0], inputs[0].shape[3])
    return { shape: inputs[0].shape, bindings: [x.binding], functions: [x.functions] }
  }
  const [image, fudged, segments, masks] = inputs
  const [height, width, channels] = image.shape
  return {
    shape: [masks.shape[0], height, width, channels],
    bindings: [read('image', image), read('fudged', fudged), read('segments', segments), read('masks', masks)],
    functions: [
      `const IMAGE_PIXELS = ${height * width}u;\nconst IMAGE_CHANNELS = ${channels}u;\nconst MASK_WORDS = ${masks.shape[1]}u;`,
      blendLoadCode,
      gatherFour('x', channels),
    ],
  }
}

const lowerConv2d: Lowering = (step) => {
  const w = step.attributes as WindowAttributes
  const blend = step.attributes.blend === true
  const images = imagesOf(step.inputs, blend)
  const kernel = step.inputs[blend ? 4 : 1]
  const [count, height, width, channels] = images.shape
  const filters = kernel.shape[3]
  const epilogue = epilogueOf(step, filters)
  const parts = [loadRows('kernel', kernel, filters), storeRows('y', step.outputs[0], filters)]
  const filterGroups = Math.ceil(filters / 4)
  const strips = Math.ceil(w.outWidth / 4)
  return [
    {
      kernel: 'conv2d',
      bindings: [...images.bindings, ...parts.map(({ binding }) => binding), ...epilogue.bindings],
      constants: {
        ...windowConstants(w, height, width),
        CHANNELS: channels,
        FILTER_GROUPS: filterGroups,
        STRIPS: strips,
      },
      functions: [...images.functions, ...parts.map(({ functions }) => functions), ...epilogue.functions],
      code: conv2dCode,
      threads: count * w.outHeight * strips * filterGroups,
    },
  ]
}

const lowerInputGradient: Lowering = (step) => {
  const w = step.attributes as WindowAttributes
  const [dy, kernel] = step.inputs
  const [dx] = step.outputs
  const [count, height, width, channels] = dx.shape
  const filters = kernel.shape[3]
  const epilogue = epilogueOf(step, channels)
  const parts = [loadRows('dy', dy, filters), loadRows('kernel', kernel, filters), storeRows('dx', dx, channels)]
  const channelGroups = Math.ceil(channels / 4)
  const strips = Math.ceil(width / 4)
  return [
    {
      kernel: 'conv2dInputGradient',
      bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
      constants: {
        ...windowConstants(w, height, width),
        CHANNELS: channels,
        CHANNEL_GROUPS: channelGroups,
        FILTER_GROUPS: Math.ceil(filters / 4),
        STRIPS: strips,
      },
      functions: [...parts.map(({ functions }) => functions), ...epilogue.functions],
      code: inputGradientCode,
      threads: count * height * strips * channelGroups,
    },
  ]
}

const lowerKernelGradient: Lowering = (step) => {
  const w = step.attributes as WindowAttributes
  const [x, dy] = step.inputs
  const [count, height, width, channels] = x.shape
  const filters = dy.shape[3]
  const taps = w.windowHeight * w.windowWidth * channels
  const tiles = Math.ceil(taps / 4) * Math.ceil(filters / 4)
  const rows = count * w.outHeight
  const rowsInSlice = Math.ceil(rows / Math.min(Math.ceil(wantedThreads / tiles), rows, maxSlices))
  const slices = Math.ceil(rows / rowsInSlice)
  const target = slices === 1 ? step.outputs[0] : scratch([slices, taps, filters])
  const parts = [loadRows('x', x, channels), loadRows('dy', dy, filters), storeRows('dk', target, filters)]
  const gradient: Dispatch = {
    kernel: 'conv2dKernelGradient',
    bindings: parts.map(({ binding }) => binding),
    constants: {
      ...windowConstants(w, height, width),
      CHANNELS: channels,
      TAPS: taps,
      FILTER_GROUPS: Math.ceil(filters / 4),
      ROWS: rows,
      ROWS_IN_SLICE: rowsInSlice,
    },
    functions: [
      ...parts.map(({ functions }) => functions),
      channels % 4 === 0 ? tapsInOnePixelCode : tapsScatteredCode,
    ],
    code: kernelGradientCode,
    threads: tiles * slices,
  }
  return slices === 1 ? [gradient] : [gradient, combine(step, target, slices, taps, filters)]
}

export const conv2dLowerings: Readonly<Record<string, Lowering>> = {
  conv2d: lowerConv2d,
  conv2dInputGradient: lowerInputGradient,
  conv2dKernelGradient: lowerKernelGradient,
}
