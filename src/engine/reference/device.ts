import {
  checkInputs,
  checkRange,
  type Device,
  type DeviceInfo,
  type HostArray,
  type Memory,
  type Place,
  type Program,
  runInTurn,
} from '../device.ts'
import { DeviceError, type DeviceLostError } from '../errors.ts'
import { operations, updateKinds } from '../ops/registry.ts'
import type { Plan, PlanOperand } from '../plan/plan.ts'
import { type DType, type ReferenceOperand, sizeOf } from '../tensor.ts'

/**
 * The oracle: every operation's plain float64 loops, no fusion, no haste. Other devices and all gradients are checked
 * against it. Memory is one Float64Array a space: integers are exact in it, too.
 */
class ReferenceMemory implements Memory {
  readonly data: Float64Array
  readonly byteLength: number
  isReleased = false

  constructor(
    readonly owner: ReferenceDevice,
    readonly dtype: DType,
    byteLength: number,
  ) {
    this.byteLength = byteLength
    this.data = new Float64Array(Math.ceil(byteLength / itemBytes(dtype)))
  }

  /** The elements of an operand that lies here, as a window onto them. */
  view(operand: Pick<PlanOperand, 'shape' | 'dtype' | 'offset'>): Float64Array {
    const first = operand.offset / itemBytes(operand.dtype)
    return this.data.subarray(first, first + sizeOf(operand.shape))
  }

  dispose(): void {
    this.isReleased = true
  }
}

function itemBytes(dtype: DType): number {
  return dtype === 'u8' ? 1 : 4
}

class ReferenceProgram implements Program {
  readonly outputs: Readonly<Record<string, Place>>

  constructor(
    readonly device: ReferenceDevice,
    readonly plan: Plan,
    readonly spaces: ReadonlyMap<string, ReferenceMemory>,
  ) {
    this.outputs = Object.fromEntries(
      Object.entries(plan.outputs).map(([name, operand]) => [name, { memory: this.space(operand.space), operand }]),
    )
    for (const { operand, values } of plan.constants) {
      const view = this.space(operand.space).view(operand)
      if (typeof values === 'number') view.fill(values)
      else view.set(values)
    }
  }

  space(name: string): ReferenceMemory {
    const space = this.spaces.get(name)
    if (!space) throw new DeviceError(`reference: the plan uses the block "${name}", which was not given`)
    return space
  }

  operand(operand: PlanOperand): ReferenceOperand {
    return { shape: operand.shape, dtype: operand.dtype, data: this.space(operand.space).view(operand) }
  }

  /** Whether all it works on is still its own: its memory, and the blocks it was given. */
  get isUsable(): boolean {
    return [...this.spaces.values()].every((space) => !space.isReleased)
  }

  dispose(): void {
    for (const name of Object.keys(this.plan.spaces)) this.spaces.get(name)?.dispose()
  }
}

export class ReferenceDevice implements Device {
  readonly info: DeviceInfo = { kind: 'reference', adapter: 'float64 loops' }
  readonly fusions = new Set<never>()
  readonly maxBlockBytes = 2 ** 31
  // LIME's 1,000 samples and the 10,000 test images come out even.
  readonly batchSizes = [1, 16, 125]
  readonly lost = new Promise<DeviceLostError>(() => {})
  private disposed = false

  allocate(dtype: DType, elements: number): ReferenceMemory {
    return new ReferenceMemory(this, dtype, elements * itemBytes(dtype))
  }

  write(memory: Memory, data: HostArray, offset = 0): void {
    const own = this.own(memory)
    checkRange(own, own.dtype, offset, data.length)
    own.data.set(data, offset / itemBytes(own.dtype))
  }

  async lower(plan: Plan, blocks: Readonly<Record<string, Memory>>): Promise<ReferenceProgram> {
    const spaces = new Map<string, ReferenceMemory>()
    for (const [name, bytes] of Object.entries(plan.spaces)) spaces.set(name, new ReferenceMemory(this, 'f32', bytes))
    for (const [name, memory] of Object.entries(blocks)) spaces.set(name, this.own(memory))
    return new ReferenceProgram(this, plan, spaces)
  }

  async run(program: Program, inputs: Readonly<Record<string, HostArray>>): Promise<void> {
    if (!(program instanceof ReferenceProgram) || program.device !== this)
      throw new DeviceError('reference: this program belongs to another device')
    if (this.disposed) throw new DeviceError('reference: the device was disposed of')
    if (!program.isUsable) throw new DeviceError('reference: this program, or memory that it works on, was disposed of')
    const { plan } = program
    checkInputs(plan, inputs)
    for (const [name, operand] of Object.entries(plan.inputs)) program.operand(operand).data.set(inputs[name])
    for (const step of plan.steps) {
      const given = Object.values(step.inputs).map((operand) => program.operand(operand))
      const operation = operations.get(step.kernel)
      const update = updateKinds.get(step.kernel)
      if (operation) operation.reference(given, program.operand(step.outputs[0]), step.attributes)
      else if (update)
        update.reference(
          step.states.map((state) => program.operand(state)),
          given,
          step.attributes,
        )
      else throw new DeviceError(`reference: no kernel named ${step.kernel}`)
    }
  }

  runAll(program: Program, count: number, inputsOf: (run: number) => Readonly<Record<string, HostArray>>) {
    return runInTurn(this, program, count, inputsOf)
  }

  runsAtOnce(): number {
    return 1
  }

  async read({ memory, operand }: Place): Promise<HostArray> {
    const own = this.own(memory)
    checkRange(own, operand.dtype, operand.offset, sizeOf(operand.shape))
    const data = own.view(operand)
    return operand.dtype === 'i32' ? Int32Array.from(data) : data.slice()
  }

  dispose(): void {
    this.disposed = true
  }

  private own(memory: Memory): ReferenceMemory {
    if (this.disposed) throw new DeviceError('reference: the device was disposed of')
    if (memory instanceof ReferenceMemory && memory.owner === this) {
      if (memory.isReleased) throw new DeviceError('reference: this memory was freed')
      return memory
    }
    throw new DeviceError('reference: this memory belongs to another device')
  }
}
