import type { StepTypes } from '../../plan/arrange-weights.ts'
import type { ConvolutionChoice } from '../device-options.ts'
import type { CpuKernel } from '../kernel.ts'
import * as direct from './convolution.ts'
import { imagesAndKernels, windowOf } from './padded-image.ts'
import { planesKernel, suitsWinograd, winogradConv2d } from './winograd.ts'

/** With 4 channels and 4 filters both take as long; with more, Winograd's transforms cost less than the products it saves. */
const leastProducts = 32
/** Outputs a filter, of all images: with fewer, transforming the kernel is not worth it. */
const leastOutputs = 256
/** With fewer than these, reading a kernel that was transformed before takes longer than the products it saves: four times as many numbers. */
const leastOutputsOfPlanes = 48

function pays(step: StepTypes, least: number): boolean {
  const { outHeight, outWidth } = windowOf(step.attributes)
  const operands = imagesAndKernels(step)
  const channels = operands.map(({ shape }) => shape[shape.length - 1])
  return (
    Math.min(...channels) * Math.max(...channels) >= leastProducts &&
    operands[0].shape[0] * outHeight * outWidth >= least
  )
}

/** Whether a step is computed by Winograd's algorithm: its kernel transformed in every run, or once, before. */
export function takesWinograd(step: StepTypes, convolution: ConvolutionChoice, isLasting: boolean): boolean {
  const least = isLasting ? leastOutputsOfPlanes : leastOutputs
  const isWanted = convolution === 'winograd' || (convolution === 'auto' && pays(step, least))
  return isWanted && suitsWinograd(step)
}

/** The plain way or Winograd's, whichever suits a step. */
export function choose(plain: CpuKernel, winograd: CpuKernel): CpuKernel {
  return (step, emitter) => {
    const { arranged } = step.attributes
    const isWinograd = arranged ? arranged === planesKernel : takesWinograd(step, emitter.convolution, false)
    const kernel = isWinograd ? winograd : plain
    kernel(step, emitter)
  }
}

export const conv2d = choose(direct.conv2d, winogradConv2d)
