import type { HostArray, Memory, Program } from '../device.ts'
import { type CompiledModel, parameterBlock } from '../model/compiled.ts'
import { onlyInput } from '../model/network.ts'
import { isTargets, type Labels, type Samples, type Targets } from '../model/samples.ts'
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
  labels: Labels | Targets,
): BatchSource {
  const { device } = compiled
  const truth = labelRows(labels, samples.shape[0])
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
  const largestBytes = Math.max(samples.data.length * (isBytes ? 1 : 4), truth.data.length * 4)
  if (largestBytes <= device.maxBlockBytes) {
    const data = device.allocate(isBytes ? 'u8' : 'f32', samples.data.length)
    owned.push(data)
    const answers = device.allocate(truth.data instanceof Int32Array ? 'i32' : 'f32', truth.data.length)
    owned.push(answers)
    device.write(data, samples.data)
    device.write(answers, truth.data)
    Object.assign(blocks, { samples: data, labels: answers })
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
      const { data, length: width } = truth
      const rows =
        data instanceof Int32Array ? new Int32Array(indices.length) : new Float32Array(indices.length * width)
      indices.forEach((index, row) => {
        rows.set(data.subarray(index * width, (index + 1) * width), row * width)
      })
      return { x, labels: rows }
    },
  }
}

/** Labels as devices take them, and how many numbers each sample's are. */
function labelRows(labels: Labels | Targets, count: number) {
  if (!isTargets(labels)) return { data: Int32Array.from({ length: count }, (_, i) => labels[i]), length: 1 }
  const { data, shape, scale = 1 } = labels
  return { data: Float32Array.from(data, (value) => value * scale), length: sizeOf(shape.slice(1)) }
}
