import type { CpuKernel, CpuStep } from '../kernel.ts'
import * as direct from './convolution.ts'
import { conv2dInputGradient as directInputGradient } from './convolution-input-gradient.ts'
import { conv2dKernelGradient as directKernelGradient } from './convolution-kernel-gradient.ts'
import { imagesAndKernels, windowOf } from './padded-image.ts'
import { suitsWinograd, winogradConv2d, winogradInputGradient, winogradKernelGradient } from './winograd.ts'

/** With 4 channels and 4 filters both take as long; with more, Winograd's transforms cost less than the products it saves. */
const leastProducts = 32
/** Outputs a filter, of all images: with fewer, transforming the kernel is not worth it. */
const leastOutputs = 256

function pays(step: CpuStep): boolean {
  const { outHeight, outWidth } = windowOf(step.attributes)
  const operands = imagesAndKernels(step)
  const channels = operands.map(({ shape }) => shape[shape.length - 1])
  return (
    Math.min(...channels) * Math.max(...channels) >= leastProducts &&
    operands[0].shape[0] * outHeight * outWidth >= leastOutputs
  )
}

function choose(plain: CpuKernel, winograd: CpuKernel): CpuKernel {
  return (step, emitter) => {
    const { convolution } = emitter
    const wanted = convolution === 'winograd' || (convolution === 'auto' && pays(step))
    const kernel = wanted && suitsWinograd(step) ? winograd : plain
    kernel(step, emitter)
  }
}

export const conv2d = choose(direct.conv2d, winogradConv2d)
export const conv2dInputGradient = choose(directInputGradient, winogradInputGradient)
export const conv2dKernelGradient = choose(directKernelGradient, winogradKernelGradient)
