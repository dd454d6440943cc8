/** Kernels that a prediction has none of, unless its convolutions are transposed: registry.ts loads them with the first plan that has one. */

import { choose } from './choose-convolution.ts'
import * as inputGradient from './convolution-input-gradient.ts'
import * as kernelGradient from './convolution-kernel-gradient.ts'
import { winogradInputGradient, winogradKernelGradient } from './winograd-gradients.ts'

export { depthwiseConv2dInputGradient, depthwiseConv2dKernelGradient } from './depthwise-gradients.ts'
export { adam, adamW, assign, nesterov, record, sgd } from './updates.ts'

export const conv2dInputGradient = choose(inputGradient.conv2dInputGradient, winogradInputGradient)
export const conv2dKernelGradient = choose(kernelGradient.conv2dKernelGradient, winogradKernelGradient)
