import type { HostArray, Memory, Program } from '../device.ts'
import { type CompiledModel, parameterBlock } from '../model/compiled.ts'
import { onlyInput } from '../model/network.ts'
import type { Labels, Samples } from '../model/samples.ts'
import type { Plan } from '../plan/plan.ts'
import { sizeOf } from '../tensor.ts'

/** Where batches come from. */
export interface BatchSource {
  program(batch: number): Promise<Program>
  inputs(indices: Int32Array): Readonly<Record<string, HostArray>>
  dispose(): void
}

/**
 * @param state the blocks that a step changes
 * @param plans of a step, for a data set that lives on the device and for batches that the host sends
 */
export function batchSource(
  compiled: CompiledModel,
  state: Readonly<Record<string, Memory>>,
  plans: { readonly resident: (batch: number) => Plan; readonly streamed: (batch: number) => Plan },
  samples: Samples,
  labels: Labels,
): BatchSource {
  const { device } = compiled
  const count = samples.shape[0]
  const programs = new Map<number, Promise<Program>>()
  const blocks: Record<string, Memory> = { ...state, [parameterBlock]: compiled.parameterMemory }
  const owned: Memory[] = []
  const keep = (plan: (batch: number) => Plan) => (batch: number) => {
    const program = programs.get(batch) ?? device.lower(plan(batch), blocks)
    programs.set(batch, program)
    return program
  }
  const dispose = () => {
    for (const program of programs.values())
      program.then(
        (lowered) => lowered.dispose(),
        () => {},
      )
    for (const memory of owned) memory.dispose()
  }
  const isBytes = samples.data instanceof Uint8Array
  if (samples.data.length * (isBytes ? 1 : 4) <= device.maxBlockBytes) {
    const data = device.allocate(isBytes ? 'u8' : 'f32', samples.data.length)
    owned.push(data)
    const classes = device.allocate('i32', count)
    owned.push(classes)
    device.write(data, samples.data)
    device.write(
      classes,
      Int32Array.from({ length: count }, (_, i) => labels[i]),
    )
    Object.assign(blocks, { samples: data, labels: classes })
    const program = keep(plans.resident)
    return { program, inputs: (indices) => ({ indices }), dispose }
  }
  const length = sizeOf(onlyInput(compiled.network).shape)
  const scale = samples.scale ?? 1
  const program = keep(plans.streamed)
  return {
    program,
    dispose,
    inputs(indices) {
      const x = new Float32Array(indices.length * length)
      indices.forEach((index, row) => {
        for (let i = 0; i < length; i++) x[row * length + i] = samples.data[index * length + i] * scale
      })
      return { x, labels: indices.map((index) => labels[index]) }
    },
  }
}
