import { LimelightError } from '../../errors.ts'
import { dilationOf, type WindowAttributes } from '../../ops/window.ts'
import { largestFloat32 } from '../../tensor.ts'
import { inOrder } from '../operators/value.ts'
import type { OnnxBuilder, WrittenTensor } from './onnx-builder.ts'
import { imageOrder, type Writer, type WrittenNode } from './written-node.ts'

/** Convolutions and poolings: windows that walk over images, which lie as NCHW in a file. */

/** How an operation's window walks. */
function walkOf({ tensor: { attributes } }: WrittenNode): WindowAttributes {
  const numbers = Object.entries(attributes).map(([name, value]): [string, number] => [name, Number(value)])
  const number = (name: string) => Number(attributes[name])
  return {
    ...Object.fromEntries(numbers),
    windowHeight: number('windowHeight'),
    windowWidth: number('windowWidth'),
    strideY: number('strideY'),
    strideX: number('strideX'),
    padTop: number('padTop'),
    padLeft: number('padLeft'),
    outHeight: number('outHeight'),
    outWidth: number('outWidth'),
  }
}

/** What a window has in ONNX's words; rows and columns below and on the right that no window reaches are cut off by negative padding. */
function windowOf(w: WindowAttributes, height: number, width: number) {
  const [dilationY, dilationX] = dilationOf(w)
  const after = (out: number, stride: number, window: number, dilation: number, before: number, extent: number) =>
    Math.max(0, (out - 1) * stride + (window - 1) * dilation + 1 - before - extent)
  return {
    kernel_shape: [w.windowHeight, w.windowWidth],
    strides: [w.strideY, w.strideX],
    dilations: [dilationY, dilationX],
    pads: [
      w.padTop,
      w.padLeft,
      after(w.outHeight, w.strideY, w.windowHeight, dilationY, w.padTop, height),
      after(w.outWidth, w.strideX, w.windowWidth, dilationX, w.padLeft, width),
    ],
  }
}

function convolution(node: WrittenNode): WrittenTensor {
  const { builder, tensor, inputs } = node
  const w = walkOf(node)
  const [, height, width] = tensor.inputs[0].shape
  return builder.node(
    'Conv',
    [builder.inOrder(inputs[0], imageOrder), builder.inOrder(inputs[1], [3, 2, 0, 1])],
    imageOrder,
    {
      ...windowOf(w, height, width),
      group: w.groups ?? 1,
    },
  )
}

/** [KH,KW,C,M] here is [C·M,1,KH,KW] there. */
function depthwiseKernel({ builder, tensor, inputs }: WrittenNode): string {
  const [windowHeight, windowWidth, channels, multiplier] = tensor.inputs[1].shape
  const [kernel] = [inputs[1]]
  const order = [2, 3, 0, 1]
  const shape = [channels * multiplier, 1, windowHeight, windowWidth]
  if (kernel.kind === 'weight') return builder.reshapedWeight(kernel, order, shape)
  return builder.node('Reshape', [builder.inOrder(kernel, order), builder.integers(shape)], inOrder(4)).name
}

function depthwise(node: WrittenNode): WrittenTensor {
  const { builder, tensor, inputs } = node
  const [, height, width, channels] = tensor.inputs[0].shape
  return builder.node('Conv', [builder.inOrder(inputs[0], imageOrder), depthwiseKernel(node)], imageOrder, {
    ...windowOf(walkOf(node), height, width),
    group: channels,
  })
}

/** A convolution turned round; what its window does not reach, below and on the right, is output padding. */
function transposed(node: WrittenNode, kernel: string, group: number): WrittenTensor {
  const { builder, inputs } = node
  const w = walkOf(node)
  const [dilationY, dilationX] = dilationOf(w)
  const { height, width } = w
  const reach = (out: number, stride: number, window: number, dilation: number) =>
    (out - 1) * stride + (window - 1) * dilation + 1
  const last = [
    reach(w.outHeight, w.strideY, w.windowHeight, dilationY) - w.padTop - height,
    reach(w.outWidth, w.strideX, w.windowWidth, dilationX) - w.padLeft - width,
  ]
  return builder.node('ConvTranspose', [builder.inOrder(inputs[0], imageOrder), kernel], imageOrder, {
    kernel_shape: [w.windowHeight, w.windowWidth],
    strides: [w.strideY, w.strideX],
    dilations: [dilationY, dilationX],
    pads: [w.padTop, w.padLeft, Math.max(0, last[0]), Math.max(0, last[1])],
    output_padding: [Math.max(0, -last[0]), Math.max(0, -last[1])],
    group,
  })
}

function pool(operator: 'MaxPool' | 'AveragePool'): Writer {
  return (node) => {
    const { builder, tensor, inputs } = node
    const w = walkOf(node)
    const [, height, width] = tensor.inputs[0].shape
    const { dilations, pads, ...window } = windowOf(w, height, width)
    const x = builder.inOrder(inputs[0], imageOrder)
    if (operator === 'MaxPool') {
      const [padded, left] = paddedForMaximum(builder, x, w, pads)
      return builder.node(operator, [padded], imageOrder, { ...window, dilations, pads: left })
    }
    const counts = w.countedBottom !== undefined
    if (counts) checkCounted(w, height, width, pads)
    return builder.node(operator, [x], imageOrder, { ...window, pads, count_include_pad: Number(counts) })
  }
}

/** ONNX Runtime refuses padding as wide as the window: it is put around the image before, as what never is the largest. */
function paddedForMaximum(builder: OnnxBuilder, x: string, w: WindowAttributes, pads: readonly number[]) {
  const extents = [w.windowHeight, w.windowWidth, w.windowHeight, w.windowWidth]
  if (pads.every((amount, side) => amount < extents[side])) return [x, pads] as const
  const [top, left, below, right] = pads
  const amounts = builder.integers([0, 0, top, left, 0, 0, below, right])
  return [builder.node('Pad', [x, amounts, builder.number(-largestFloat32)], imageOrder).name, [0, 0, 0, 0]] as const
}

/** ONNX counts all of the padding that it is given. */
function checkCounted(w: WindowAttributes, height: number, width: number, pads: readonly number[]): void {
  const [, , below, right] = pads
  if (w.countedBottom !== height + below || w.countedRight !== width + right)
    throw new LimelightError('an average over padding that is counted in part can not be written as ONNX')
}

export const windowWriters: Readonly<Record<string, Writer>> = {
  conv2d: convolution,
  depthwiseConv2d: depthwise,
  conv2dInputGradient: (node) =>
    transposed(node, node.builder.inOrder(node.inputs[1], [3, 2, 0, 1]), Number(node.tensor.attributes.groups ?? 1)),
  depthwiseConv2dInputGradient: (node) => transposed(node, depthwiseKernel(node), node.tensor.shape[3]),
  maxPool: pool('MaxPool'),
  avgPool: pool('AveragePool'),
}
