import { DeviceError } from '../errors.ts'
import type { KernelName } from '../ops/registry.ts'
import { fusedNames } from '../plan/fusions.ts'
import type { PlanOperand, PlanStep } from '../plan/plan.ts'
import { sizeOf } from '../tensor.ts'
import type { AdapterTraits, Candidate, Dispatch, Lowering, LoweringContext } from './dispatch.ts'
import { lowerBlendBySegments } from './kernels/blend-by-segments.ts'
import { conv2dLowerings } from './kernels/conv2d.ts'
import { depthwiseLowerings, withGroups } from './kernels/conv2d-grouped.ts'
import { lowerKernelGradient } from './kernels/conv2d-kernel-gradient.ts'
import { elementwiseLowerings } from './kernels/elementwise.ts'
import { gatherLowerings } from './kernels/gather.ts'
import { lowerMatmul } from './kernels/matmul.ts'
import { moveLowerings } from './kernels/move.ts'
import { poolLowerings } from './kernels/pool.ts'
import { lowerRandom } from './kernels/random.ts'
import { reduceLowerings } from './kernels/reduce.ts'
import { lowerResample } from './kernels/resample.ts'
import { softmaxLowerings } from './kernels/softmax.ts'
import { takeLowerings } from './kernels/take.ts'
import { updateLowerings } from './kernels/updates.ts'

/** Every kernel a plan may name, and how it is run here. */
const rows = {
  ...elementwiseLowerings,
  ...moveLowerings,
  ...reduceLowerings,
  matmul: lowerMatmul,
  ...withGroups({ ...conv2dLowerings, conv2dKernelGradient: lowerKernelGradient }),
  ...depthwiseLowerings,
  ...poolLowerings,
  ...softmaxLowerings,
  ...gatherLowerings,
  ...takeLowerings,
  resample: lowerResample,
  blendBySegments: lowerBlendBySegments,
  random: lowerRandom,
  ...updateLowerings,
} satisfies Record<KernelName, Lowering>

const lowerings: ReadonlyMap<string, Lowering> = new Map(Object.entries(rows))

/**
 * What is chosen for: a step's kernel, what is fused to it, and its shapes; of the number of images only whether they are few,
 * so that what was found for one batch serves others.
 */
export function stepName({ kernel, inputs, outputs, attributes }: PlanStep): string {
  const window = windowFlags.map((name) => attributes[name]).filter((value) => value !== undefined)
  // Updates have no result.
  const images = kernel.endsWith('KernelGradient') ? inputs.x : outputs.at(0)
  const count = images?.shape.at(0) ?? 1
  const { kernel: weights, innerKernel } = inputs
  const shapes = [...Object.values(inputs), ...outputs].map((operand) => {
    const { shape } = operand
    const isImages = shape.length === 4 && shape[0] === count && operand !== weights && operand !== innerKernel
    return (isImages ? shape.slice(1) : shape).join('x')
  })
  const amount = count < manyImages ? 'few' : 'many'
  return [[kernel, ...fusedNames(attributes)].join('+'), amount, ...shapes, ...window].join(' ')
}

const manyImages = 32
const windowFlags = ['strideY', 'strideX', 'padTop', 'padLeft', 'dilationY', 'dilationX', 'groups', 'innerPadding']

/** The candidates there are to run a step, best guess first; none where there is one way only. */
export function candidatesOf(step: PlanStep, adapter: AdapterTraits): readonly Candidate[] {
  let found: readonly Candidate[] = []
  lowerStep(step, {
    adapter,
    choose(candidates) {
      found = candidates
      return candidates[0]
    },
  })
  return found
}

/** A context that takes the candidates of these names, where there are such. */
export function contextOf(adapter: AdapterTraits, choiceFor: (step: string) => string | undefined): StepContext {
  return (step) => ({
    adapter,
    choose(candidates) {
      const name = choiceFor(stepName(step))
      return candidates.find((candidate) => candidate.name === name) ?? candidates[0]
    },
  })
}

export type StepContext = (step: PlanStep) => LoweringContext

/** The dispatches of a step, in order; none where its results have no elements. @throws DeviceError for an unknown kernel */
export function lowerStep(step: PlanStep, context: LoweringContext): Dispatch[] {
  const lowering = lowerings.get(step.kernel)
  if (!lowering) throw new DeviceError(`webgpu: no kernel named ${step.kernel}`)
  return [...step.outputs, ...step.states].every(({ shape }) => sizeOf(shape) === 0) ? [] : lowering(step, context)
}

/** A copy of an operand, for a dispatch that can not bind it where it is. */
export function copyDispatch(from: PlanOperand, to: PlanOperand, contextFor: StepContext): Dispatch {
  const step = { kernel: 'broadcast', inputs: { x: from }, outputs: [to], states: [], attributes: {}, flops: 0 }
  return elementwiseLowerings.broadcast(step, contextFor(step))[0]
}
