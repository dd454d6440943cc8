import type { CpuKernel, CpuStep } from '../kernel.ts'
import * as direct from './convolution.ts'
import { suitsWinograd, winogradConv2d, winogradInputGradient, winogradKernelGradient } from './winograd.ts'

/** Which algorithm computes convolutions: 'auto' takes Winograd's where it can and pays. */
export type ConvolutionChoice = 'auto' | 'direct' | 'winograd'

/** Below this many channels or filters the transforms cost more than the products they save. */
const leastChannels = 8

function pays(step: CpuStep): boolean {
  const extents = [...step.inputs.slice(0, 2), step.outputs[0]].map(({ shape }) => shape[shape.length - 1])
  return Math.min(...extents) >= leastChannels
}

function choose(plain: CpuKernel, winograd: CpuKernel): CpuKernel {
  return (step, emitter) => {
    const wanted = emitter.convolution === 'winograd' || (emitter.convolution === 'auto' && pays(step))
    const kernel = wanted && suitsWinograd(step) ? winograd : plain
    kernel(step, emitter)
  }
}

export const conv2d = choose(direct.conv2d, winogradConv2d)
export const conv2dInputGradient = choose(direct.conv2dInputGradient, winogradInputGradient)
export const conv2dKernelGradient = choose(direct.conv2dKernelGradient, winogradKernelGradient)
