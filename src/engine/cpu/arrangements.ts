import type { Arrangement, StepTypes } from '../plan/arrange-weights.ts'
import type { ConvolutionChoice } from './device-options.ts'
import { takesWinograd } from './kernels/choose-convolution.ts'
import { kernelMatrix } from './kernels/convolution.ts'
import { expansionMatrix } from './kernels/expanded-depthwise.ts'
import { rightMatrices } from './kernels/matmul.ts'
import { panelArrangement } from './kernels/panels.ts'
import { planesArrangement } from './kernels/winograd.ts'

/** How this device's kernels want the weights of a step to lie where they are the same in many runs. */
export function arrangementOf(step: StepTypes, convolution: ConvolutionChoice): Arrangement | null {
  if (step.kernel === 'matmul' && step.inputs.b.shape.length === 2) return panelArrangement('b', rightMatrices(step))
  if ('expansion' in step.attributes) return panelArrangement('innerKernel', expansionMatrix(step))
  if (step.kernel !== 'conv2d') return null
  if (takesWinograd(step, convolution, true)) return planesArrangement(step)
  const matrix = kernelMatrix(step)
  return matrix && panelArrangement('kernel', matrix)
}
