import { DeviceError } from '../errors.ts'
import type { Plan, PlanOperand, PlanStep } from '../plan/plan.ts'
import { exactJson } from '../plan/prepare.ts'
import { mapInputs } from '../plan/trace.ts'
import { sizeOf } from '../tensor.ts'
import type { CpuKernel, CpuOperand, KernelEmitter } from './kernel.ts'

/** Emits a plan's steps, those that differ in nothing but where their operands lie once. @throws DeviceError for a kernel that does not exist */
export function emitPlan(
  plan: Plan,
  kernels: ReadonlyMap<string, CpuKernel>,
  place: (operand: PlanOperand) => CpuOperand,
  emitter: KernelEmitter,
): void {
  const signatures = plan.steps.map(signatureOf)
  const counts = new Map<string, number>()
  for (const signature of signatures) counts.set(signature, (counts.get(signature) ?? 0) + 1)
  for (const [i, step] of plan.steps.entries()) {
    const kernel = kernels.get(step.kernel)
    if (!kernel) throw new DeviceError(`cpu: no kernel named ${step.kernel}`)
    const placed = {
      ...step,
      inputs: mapInputs(step.inputs, place),
      outputs: step.outputs.map(place),
      states: step.states.map(place),
    }
    const written = [...step.outputs, ...step.states].reduce((total, { shape }) => total + sizeOf(shape), 0)
    const work = step.flops + written
    if (counts.get(signatures[i]) === 1) emitter.step(kernel, placed, work)
    else emitter.stepOfSeveral(signatures[i], kernel, placed, work)
  }
}

/** All that a kernel makes its code of, but for addresses. */
function signatureOf({ kernel, inputs, outputs, states, attributes }: PlanStep): string {
  const typeOf = ({ shape, dtype }: PlanOperand) => `${dtype}[${shape}]`
  const given = Object.entries(inputs).map(([name, operand]) => `${name} ${typeOf(operand)}`)
  return [kernel, exactJson(attributes), given, outputs.map(typeOf), states.map(typeOf)].join('|')
}
