import { type Attributes, Constant, Resident, sizeOf, type TensorType } from '../tensor.ts'
import { inputsOf, type Step, type Trace, Value } from './trace.ts'

/**
 * Weights that a device's kernels read in another order than they lie in: blocked, padded, transformed. Where they are the same in every
 * run, arranging them is a step of its own, which the preparation takes (see prepare.ts): it is done once, and programs of different
 * batches share what it makes.
 */

/** What a device is told of a step. */
export interface StepTypes {
  readonly kernel: string
  readonly inputs: Readonly<Record<string, TensorType>>
  readonly outputs: readonly TensorType[]
  readonly attributes: Attributes
}

/** How one of a step's inputs is to be arranged: by this kernel, whose only input is `x`, into so many numbers. */
export interface Arrangement {
  readonly input: string
  readonly kernel: string
  readonly attributes: Attributes
  readonly floats: number
}

/** null where a step reads its weights as they lie. */
export type ArrangementOf = (step: StepTypes) => Arrangement | null

/**
 * Inserts the steps that arrange what hangs on constants and on the block `source` alone; who reads it has the kernel's name as `arranged`.
 * @returns these steps
 */
export function arrangeWeights(trace: Trace, source: string, arrangementOf: ArrangementOf): ReadonlySet<Step> {
  const arranging = new Set<Step>()
  const lasting = new Set<Value>()
  const isLasting = ({ root }: Value) => {
    const { leaf } = root
    return leaf instanceof Constant || (leaf instanceof Resident && leaf.block === source) || lasting.has(root)
  }
  trace.steps = trace.steps.flatMap((step): Step[] => {
    if (inputsOf(step).every(isLasting)) {
      for (const { root } of step.outputs) lasting.add(root)
      return [step]
    }
    const arrangement = arrangementOf(step)
    if (!arrangement) return [step]
    const { input, kernel, attributes, floats } = arrangement
    const weights = step.inputs[input]
    if (!isLasting(weights)) return [step]
    const arranged = new Value([floats], 'f32')
    lasting.add(arranged)
    // Whatever their shape, the same numbers in the same order are arranged once.
    const flat = new Value([sizeOf(weights.shape)], weights.dtype)
    flat.view = { of: weights, offset: 0 }
    const own: Step = { kernel, inputs: { x: flat }, outputs: [arranged], states: [], attributes, flops: 0 }
    arranging.add(own)
    return [
      own,
      {
        ...step,
        inputs: { ...step.inputs, [input]: arranged },
        attributes: { ...step.attributes, arranged: kernel },
      },
    ]
  })
  return arranging
}
