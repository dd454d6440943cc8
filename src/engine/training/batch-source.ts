import type { HostArray, Memory, Program } from '../device.ts'
import { type CompiledModel, parameterBlock } from '../model/compiled.ts'
import {
  isTargets,
  type Labels,
  type Samples,
  type SamplesByInput,
  samplesInOrder,
  type Targets,
} from '../model/samples.ts'
import type { Plan } from '../plan/plan.ts'
import { sizeOf } from '../tensor.ts'
import { ofInput } from './input-names.ts'

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
  samples: Samples | SamplesByInput,
  labels: Labels | Targets,
): BatchSource {
  const { device } = compiled
  const given = samplesInOrder(samples, compiled.network.inputs)
  const truth = labelRows(labels, given[0].shape[0])
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
  const bytesOf = ({ data }: Samples) => data.length * (data instanceof Uint8Array ? 1 : 4)
  const largestBytes = Math.max(...given.map(bytesOf), truth.data.length * 4)
  if (largestBytes <= device.maxBlockBytes) {
    for (const [i, { data }] of given.entries()) {
      const stored = device.allocate(data instanceof Uint8Array ? 'u8' : 'f32', data.length)
      owned.push(stored)
      device.write(stored, data)
      blocks[ofInput('samples', i)] = stored
    }
    const answers = device.allocate(truth.data instanceof Int32Array ? 'i32' : 'f32', truth.data.length)
    owned.push(answers)
    device.write(answers, truth.data)
    blocks.labels = answers
    const program = keep(plans.resident)
    return { program, inputs: (indices) => ({ indices }), dispose }
  }
  const program = keep(plans.streamed)
  return {
    program,
    dispose,
    inputs(indices) {
      const rowsOf = given.map((own, i) => [ofInput('x', i), samplesAt(own, indices)] as const)
      const { data, length: width } = truth
      const rows =
        data instanceof Int32Array ? new Int32Array(indices.length) : new Float32Array(indices.length * width)
      indices.forEach((index, row) => {
        rows.set(data.subarray(index * width, (index + 1) * width), row * width)
      })
      return { ...Object.fromEntries(rowsOf), labels: rows }
    },
  }
}

function samplesAt({ data, shape, scale = 1 }: Samples, indices: Int32Array): Float32Array {
  const length = sizeOf(shape.slice(1))
  const x = new Float32Array(indices.length * length)
  indices.forEach((index, row) => {
    for (let i = 0; i < length; i++) x[row * length + i] = data[index * length + i] * scale
  })
  return x
}

/** Labels as devices take them, and how many numbers each sample's are. */
function labelRows(labels: Labels | Targets, count: number) {
  if (!isTargets(labels)) return { data: Int32Array.from({ length: count }, (_, i) => labels[i]), length: 1 }
  const { data, shape, scale = 1 } = labels
  return { data: Float32Array.from(data, (value) => value * scale), length: sizeOf(shape.slice(1)) }
}
