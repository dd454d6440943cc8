import { DeviceError } from '../errors.ts'
import type { Plan, PlanOperand } from '../plan/plan.ts'
import { mapInputs } from '../plan/trace.ts'
import { sizeOf } from '../tensor.ts'
import type { CpuOperand, KernelEmitter } from './kernel.ts'
import { cpuKernels } from './kernels/registry.ts'

/** Emits a plan's steps. @throws DeviceError for a kernel that does not exist */
export function emitPlan(plan: Plan, place: (operand: PlanOperand) => CpuOperand, emitter: KernelEmitter): void {
  for (const step of plan.steps) {
    const kernel = cpuKernels.get(step.kernel)
    if (!kernel) throw new DeviceError(`cpu: no kernel named ${step.kernel}`)
    const placed = {
      ...step,
      inputs: mapInputs(step.inputs, place),
      outputs: step.outputs.map(place),
      states: step.states.map(place),
    }
    const written = [...step.outputs, ...step.states].reduce((total, { shape }) => total + sizeOf(shape), 0)
    emitter.step(kernel, placed, step.flops + written)
  }
}
