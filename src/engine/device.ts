import { DeviceError, type DeviceLostError } from './errors.ts'
import type { ArrangementOf } from './plan/arrange-weights.ts'
import type { Fusion } from './plan/fusions.ts'
import type { Plan, PlanOperand } from './plan/plan.ts'
import type { AbortSignal } from './platform/types.ts'
import type { DType } from './tensor.ts'

/**
 * A device runs plans. It knows nothing of layers, gradients or tensors: it lowers a plan once (compiles its kernels,
 * reserves its memory) and then replays it. Three implementations: `webgpu`, `cpu` (WebAssembly) and `reference` (float64,
 * the oracle). A device owns all it makes; dispose() frees everything. Several devices can be open at once.
 */
export interface Device {
  readonly info: DeviceInfo
  /** The rewrites its kernels can run. */
  readonly fusions: ReadonlySet<Fusion>
  /** How weights that stay the same are to lie for its kernels: as they do, unless it says so. */
  readonly arrangementOf?: ArrangementOf
  /** The largest block of residents it can hold, and the largest operand, in bytes. */
  readonly maxBlockBytes: number
  /** Batches that suit it, the smallest first: what runs one behind the other, and what keeps all of it busy. */
  readonly batchSizes: readonly number[]
  /** Bytes of an arena that its caches still hold: a batch that needs more is slower than a smaller one. As many as it takes unless given. */
  readonly cachedBytes?: number
  /** Resolves (never rejects) when the device has gone away; what it held is lost. A dispose() is not a loss. */
  readonly lost: Promise<DeviceLostError>

  /** Zero-filled memory for residents, of elements of one type. @throws DeviceError when there is not enough */
  allocate(dtype: DType, elements: number): Memory
  /** Copies numbers into memory, before any later run. `offset` in bytes. */
  write(memory: Memory, data: HostArray, offset?: number): void
  /** Prepares a plan; `blocks` binds the plan's blocks of residents. @throws DeviceError when a kernel or memory is refused */
  lower(plan: Plan, blocks: Readonly<Record<string, Memory>>): Promise<Program>
  /**
   * Runs a program with these inputs. Resolves when the next run may be queued, which on an asynchronous device is before
   * this one has ended: only read() waits for results.
   */
  run(program: Program, inputs: Readonly<Record<string, HostArray>>): Promise<void>
  /**
   * Runs a program `count` times and gives all outputs of each run: in one go where the device can queue and read that much
   * at once. `inputsOf` may give the same arrays each time.
   */
  runAll(
    program: Program,
    count: number,
    inputsOf: (run: number) => Readonly<Record<string, HostArray>>,
  ): Promise<Readonly<Record<string, HostArray>>[]>
  /** How many runs to give runAll at a time; fewer if someone waits for signs of progress. */
  runsAtOnce(program: Program, isWatched: boolean): number
  /**
   * Measures every way to run the plans' steps and remembers the fastest, for programs lowered from now on and for later
   * sessions. Absent where there is nothing to choose, or the device chooses by itself.
   */
  tune?(plans: readonly Plan[], options?: MeasurementOptions): Promise<readonly Measurement[]>
  /** Measures each different step of the plans alone, in the way that programs take which are lowered now. */
  profile?(plans: readonly Plan[], options?: MeasurementOptions): Promise<readonly Measurement[]>
  /** Waits for all that was queued before, then copies a place's numbers out. The reference device gives float64. */
  read(place: Place): Promise<HostArray>
  dispose(): void
}

/** One way to run one step of a plan, measured. */
export interface Measurement {
  /** Kernel, what is fused to it, shapes. */
  readonly step: string
  /** Empty where its kernel has no variants. */
  readonly candidate: string
  /** Of one run; infinite where the adapter refuses the kernel. */
  readonly milliseconds: number
  /** Milliseconds until the first run had ended: what a user waits for it once. */
  readonly compilation: number
  readonly flops: number
  /** What a run must move at least: its operands, each once. */
  readonly bytes: number
  /** What the adapter said. */
  readonly refused?: string
}

export interface MeasurementOptions {
  readonly signal?: AbortSignal
  /** Measurements done, of how many, and which one comes now. */
  readonly onProgress?: (done: number, total: number, what: string) => void
}

export type DeviceKind = 'webgpu' | 'cpu' | 'reference'

export interface DeviceInfo {
  readonly kind: DeviceKind
  /** What computes, for people: the adapter's or the processor's name, and how. */
  readonly adapter: string
  /** A software WebGPU adapter: correct, but slower than `cpu`. */
  readonly isFallbackAdapter?: boolean
  /** Predictions are computed with 16-bit products: it was asked for, and the adapter can. */
  readonly halfPrecision?: boolean
}

export type HostArray = Float32Array | Float64Array | Int32Array | Uint8Array

export interface Memory {
  readonly dtype: DType
  readonly byteLength: number
  dispose(): void
}

/** runAll for a device that runs one at a time. */
export async function runInTurn(
  device: Device,
  program: Program,
  count: number,
  inputsOf: (run: number) => Readonly<Record<string, HostArray>>,
): Promise<Readonly<Record<string, HostArray>>[]> {
  const results: Readonly<Record<string, HostArray>>[] = []
  for (let run = 0; run < count; run++) {
    await device.run(program, inputsOf(run))
    const outputs: Record<string, HostArray> = {}
    for (const [name, place] of Object.entries(program.outputs)) outputs[name] = await device.read(place)
    results.push(outputs)
  }
  return results
}

/** A typed place in some memory. */
export interface Place {
  readonly memory: Memory
  readonly operand: Pick<PlanOperand, 'shape' | 'dtype' | 'offset'>
}

export interface Program {
  readonly plan: Plan
  /** Where the plan's outputs are after a run. */
  readonly outputs: Readonly<Record<string, Place>>
  /** Frees the program's memory; its residents stay. */
  dispose(): void
}

/**
 * Whether a read or write lies inside a block, on whole elements.
 * @throws DeviceError that says what was asked for and what there is
 */
export function checkRange(memory: Memory, dtype: DType, offset: number, elements: number): void {
  const itemBytes = dtype === 'u8' ? 1 : 4
  const end = offset + elements * itemBytes
  if (!(offset >= 0) || offset % itemBytes !== 0 || end > memory.byteLength)
    throw new DeviceError(
      `device: ${elements} elements of ${dtype} at byte ${offset} do not lie inside a block of ${memory.byteLength} bytes`,
    )
}

/** What a run was given, checked against what the plan takes. @throws DeviceError that names the input */
export function checkInputs(plan: Plan, inputs: Readonly<Record<string, HostArray>>): void {
  for (const [name, { shape, dtype }] of Object.entries(plan.inputs)) {
    const given = inputs[name]
    const size = shape.reduce((product, extent) => product * extent, 1)
    if (!given) throw new DeviceError(`run: input "${name}" is missing; expected ${dtype} [${shape.join(',')}]`)
    if (given.length !== size)
      throw new DeviceError(
        `run: input "${name}" has ${given.length} elements; expected ${size} for [${shape.join(',')}]`,
      )
    if ((dtype === 'i32') !== given instanceof Int32Array)
      throw new DeviceError(`run: input "${name}" is a ${given.constructor.name}; expected ${dtype}`)
  }
}
