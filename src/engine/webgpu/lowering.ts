import { DeviceError } from '../errors.ts'
import type { PlanOperand, PlanStep } from '../plan.ts'
import { sizeOf } from '../tensor.ts'
import type { Dispatch, Lowering, LoweringContext } from './dispatch.ts'
import { conv2dLowerings } from './kernels/conv2d.ts'
import { lowerKernelGradient } from './kernels/conv2d-kernel-gradient.ts'
import { elementwiseLowerings } from './kernels/elementwise.ts'
import { gatherLowerings } from './kernels/gather.ts'
import { lowerMatmul } from './kernels/matmul.ts'
import { poolLowerings } from './kernels/pool.ts'
import { reduceLowerings } from './kernels/reduce.ts'
import { softmaxLowerings } from './kernels/softmax.ts'
import { updateLowerings } from './kernels/updates.ts'

/** Every kernel a plan may name, and how it is run here. */
const lowerings: ReadonlyMap<string, Lowering> = new Map(
  Object.entries({
    ...elementwiseLowerings,
    ...reduceLowerings,
    matmul: lowerMatmul,
    ...conv2dLowerings,
    conv2dKernelGradient: lowerKernelGradient,
    ...poolLowerings,
    ...softmaxLowerings,
    ...gatherLowerings,
    ...updateLowerings,
  }),
)

/** The dispatches of a step, in order; none where its results have no elements. @throws DeviceError for an unknown kernel */
export function lowerStep(step: PlanStep, context: LoweringContext): Dispatch[] {
  const lowering = lowerings.get(step.kernel)
  if (!lowering) throw new DeviceError(`webgpu: no kernel named ${step.kernel}`)
  return [...step.outputs, ...step.states].every(({ shape }) => sizeOf(shape) === 0) ? [] : lowering(step, context)
}

/** A copy of an operand, for a dispatch that can not bind it where it is. */
export function copyDispatch(from: PlanOperand, to: PlanOperand, context: LoweringContext): Dispatch {
  const step = { kernel: 'broadcast', inputs: [from], outputs: [to], states: [], attributes: {}, flops: 0 }
  return elementwiseLowerings.broadcast(step, context)[0]
}
