import {
  checkInputs,
  checkRange,
  type Device,
  type DeviceInfo,
  type HostArray,
  type Memory,
  type Place,
  type Program,
} from '../device.ts'
import { DeviceError, type DeviceLostError } from '../errors.ts'
import { type Fusion, fusions } from '../fuse.ts'
import type { Plan, PlanOperand } from '../plan.ts'
import { type DType, sizeOf } from '../tensor.ts'
import { type CpuOperand, KernelEmitter, type Phase } from './kernel.ts'
import type { ConvolutionChoice } from './kernels/choose-convolution.ts'
import { cpuKernels } from './kernels/registry.ts'
import { type LinearBlock, LinearMemory } from './memory.ts'
import { requireRelaxedSimd } from './relaxed.ts'
import { ModuleBuilder } from './wasm.ts'

/**
 * The processor: a plan becomes one WebAssembly module (SIMD, shapes and addresses built in), its steps exported functions
 * that are called phase by phase. All numbers live in one linear memory.
 */

type PhaseFunction = (first: number, last: number, scratch: number) => void

interface RunnablePhase extends Phase {
  readonly run: PhaseFunction
}

class CpuProgram implements Program {
  readonly outputs: Readonly<Record<string, Place>>

  constructor(
    readonly plan: Plan,
    readonly device: CpuDevice,
    private readonly spaces: ReadonlyMap<string, LinearBlock>,
    private readonly owned: readonly LinearBlock[],
    readonly phases: readonly RunnablePhase[],
    readonly scratch: number,
  ) {
    this.outputs = Object.fromEntries(
      Object.entries(plan.outputs).map(([name, operand]) => [name, { memory: this.space(operand.space), operand }]),
    )
  }

  space(name: string): LinearBlock {
    const space = this.spaces.get(name)
    if (!space) throw new DeviceError(`cpu: the plan uses the block "${name}", which was not given`)
    return space
  }

  /** Whether all it works on is still its own: its memory, and the blocks it was given. */
  get isUsable(): boolean {
    return [...this.spaces.values()].every((block) => !block.isReleased)
  }

  dispose(): void {
    for (const block of this.owned) block.dispose()
  }
}

/** Units of a phase a call takes: between two calls the engine may replace slow code by optimised code. */
const unitsPerCall = 4

export interface CpuDeviceOptions {
  /** Multiply-adds that may be rounded once, where the machine likes: faster, but not the same bits everywhere. */
  readonly relaxed?: boolean
  /** How convolutions are computed; 'auto' unless given. Winograd's error is larger, up to 1e-5 of the largest number. */
  readonly convolution?: ConvolutionChoice
}

export class CpuDevice implements Device {
  readonly info: DeviceInfo = { kind: 'cpu', adapter: 'WebAssembly SIMD, one thread' }
  readonly fusions: ReadonlySet<Fusion> = new Set(fusions)
  readonly maxBlockBytes = 2 ** 31
  readonly lost = new Promise<DeviceLostError>(() => {})
  private memory: LinearMemory | null = new LinearMemory()
  private readonly relaxed: boolean
  private readonly convolution: ConvolutionChoice

  /** @throws DeviceError when relaxed multiply-adds are asked for and the engine has none */
  constructor({ relaxed = false, convolution = 'auto' }: CpuDeviceOptions = {}) {
    if (relaxed) requireRelaxedSimd()
    this.relaxed = relaxed
    this.convolution = convolution
  }

  /** What has been handed out, for tests of leaks: bytes of the linear memory. */
  get memoryBytes(): number {
    return this.open().memory.buffer.byteLength
  }

  allocate(dtype: DType, elements: number): LinearBlock {
    return this.open().allocate(dtype, elements * (dtype === 'u8' ? 1 : 4))
  }

  write(memory: Memory, data: HostArray, offset = 0): void {
    const block = this.own(memory)
    checkRange(block, block.dtype, offset, data.length)
    this.view(block.dtype, block.address + offset, data.length).set(data)
  }

  async lower(plan: Plan, blocks: Readonly<Record<string, Memory>>): Promise<CpuProgram> {
    const owned: LinearBlock[] = []
    const reserve = (bytes: number): LinearBlock => {
      const block = this.open().allocate('f32', bytes)
      owned.push(block)
      return block
    }
    try {
      const spaces = new Map<string, LinearBlock>()
      for (const [name, bytes] of Object.entries(plan.spaces)) spaces.set(name, reserve(bytes))
      for (const [name, memory] of Object.entries(blocks)) spaces.set(name, this.own(memory))
      const builder = new ModuleBuilder({ relaxed: this.relaxed })
      const emitter = new KernelEmitter(builder, (bytes) => reserve(bytes).address, this.convolution)
      const place = (operand: PlanOperand): CpuOperand => {
        const space = spaces.get(operand.space)
        if (!space) throw new DeviceError(`cpu: the plan uses the block "${operand.space}", which was not given`)
        return { shape: operand.shape, dtype: operand.dtype, address: space.address + operand.offset }
      }
      for (const step of plan.steps) {
        const kernel = cpuKernels.get(step.kernel)
        if (!kernel) throw new DeviceError(`cpu: no kernel named ${step.kernel}`)
        kernel(
          { ...step, inputs: step.inputs.map(place), outputs: step.outputs.map(place), states: step.states.map(place) },
          emitter,
        )
      }
      const module = await WebAssembly.compile(builder.encode())
      const instance = await WebAssembly.instantiate(module, { env: { memory: this.open().memory } })
      const phases = emitter.phases.map((phase) => ({ ...phase, run: instance.exports[phase.name] as PhaseFunction }))
      for (const { operand, values } of plan.constants) {
        const view = this.view(operand.dtype, place(operand).address, sizeOf(operand.shape))
        if (typeof values === 'number') view.fill(values)
        else view.set(values)
      }
      return new CpuProgram(plan, this, spaces, owned, phases, reserve(emitter.scratchBytes).address)
    } catch (error) {
      for (const block of owned) block.dispose()
      throw error
    }
  }

  async run(program: Program, inputs: Readonly<Record<string, HostArray>>): Promise<void> {
    if (!(program instanceof CpuProgram) || program.device !== this)
      throw new DeviceError('cpu: this program belongs to another device')
    if (!program.isUsable) throw new DeviceError('cpu: this program, or memory that it works on, was disposed of')
    checkInputs(program.plan, inputs)
    for (const [name, operand] of Object.entries(program.plan.inputs)) {
      const address = program.space(operand.space).address + operand.offset
      this.view(operand.dtype, address, sizeOf(operand.shape)).set(inputs[name])
    }
    for (const { units, run } of program.phases)
      for (let first = 0; first < units; first += unitsPerCall)
        run(first, Math.min(first + unitsPerCall, units), program.scratch)
  }

  async read({ memory, operand }: Place): Promise<HostArray> {
    const block = this.own(memory)
    checkRange(block, operand.dtype, operand.offset, sizeOf(operand.shape))
    return this.view(operand.dtype, block.address + operand.offset, sizeOf(operand.shape)).slice()
  }

  dispose(): void {
    this.memory = null
  }

  private open(): LinearMemory {
    if (!this.memory) throw new DeviceError('cpu: the device was disposed of')
    return this.memory
  }

  private own(memory: Memory): LinearBlock {
    const owner = this.open()
    if ('owner' in memory && memory.owner === owner) {
      const block = memory as LinearBlock
      if (block.isReleased) throw new DeviceError('cpu: this memory was freed')
      return block
    }
    throw new DeviceError('cpu: this memory belongs to another device')
  }

  private view(dtype: DType, address: number, length: number): Float32Array | Int32Array | Uint8Array {
    const { buffer } = this.open().memory
    if (dtype === 'u8') return new Uint8Array(buffer, address, length)
    return dtype === 'i32' ? new Int32Array(buffer, address, length) : new Float32Array(buffer, address, length)
  }
}
