import { check, optionsOf } from '../arguments.ts'
import {
  checkInputs,
  checkRange,
  type Device,
  type DeviceInfo,
  type HostArray,
  type Measurement,
  type MeasurementOptions,
  type Memory,
  type Place,
  type Program,
  runInTurn,
} from '../device.ts'
import { DeviceError, type DeviceLostError } from '../errors.ts'
import type { StepTypes } from '../plan/arrange-weights.ts'
import type { Fusion } from '../plan/fusions.ts'
import { describeStep, type Plan, type PlanOperand } from '../plan/plan.ts'
import { tuningMemory } from '../platform/tuning-memory.ts'
import { measureTrials } from '../step-trials.ts'
import { type DType, sizeOf } from '../tensor.ts'
import { ModuleBuilder } from '../wasm/emitter.ts'
import { arrangementOf } from './arrangements.ts'
import type { RunnablePhase } from './crew.ts'
import { type ConvolutionChoice, type CpuDeviceOptions, cpuOptions } from './device-options.ts'
import { emitPlan } from './emit-plan.ts'
import { type CpuOperand, KernelEmitter, type Phase } from './kernel.ts'
import { kernelsNamed } from './kernels/registry.ts'
import { type ProductShape, sameBlock } from './kernels/small-product.ts'
import { Arenas, type LinearBlock, LinearMemory } from './memory.ts'
import { hasRelaxedSimd } from './relaxed.ts'
import { hasSimd } from './simd.ts'
import type { PhaseFunction } from './thread.ts'
import { availableThreads, canShareMemory, runAlone, Threads } from './threads.ts'
import { BlockTuner } from './tune.ts'

/**
 * The processor: a plan becomes one WebAssembly module (SIMD, shapes and addresses built in), its steps exported functions
 * that are called phase by phase, the large ones by all threads. All numbers live in one linear memory.
 */

class CpuProgram implements Program {
  readonly outputs: Readonly<Record<string, Place>>
  private isDisposed = false

  constructor(
    readonly plan: Plan,
    readonly device: CpuDevice,
    private readonly spaces: ReadonlyMap<string, LinearBlock>,
    private readonly owned: readonly { dispose(): void }[],
    /** Runs all phases; a promise only if it has to wait. */
    readonly replay: () => Promise<void> | null,
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
    return !this.isDisposed && [...this.spaces.values()].every((block) => !block.isReleased)
  }

  dispose(): void {
    if (this.isDisposed) return
    this.isDisposed = true
    for (const part of this.owned) part.dispose()
  }
}

/** Steps of less work than this are done by the calling thread alone: waking the others would take as long. */
const leastSharedWork = 2 ** 20
/** Plans of less work than this are not worth a measurement: it takes some 0.15 s, once. */
const leastTunedFlops = 2e9
/** Chunks a thread takes of a shared phase, on average: enough that all end at about the same time. */
const chunksPerThread = 32

/** Ends the threads of devices that nobody disposed of before they were collected. They must not reference their device. */
const abandoned = new FinalizationRegistry<Threads>((threads) => threads.dispose())

/** Where each thread's scratch memory is. Made here, so that it does not keep the device: the threads keep it. */
function scratchPlaces(address: number, bytes: number): (thread: number) => number {
  return (thread) => address + thread * bytes
}

/** @internal */
export class CpuDevice implements Device {
  readonly fusions: ReadonlySet<Fusion> = new Set([
    'gates',
    'gain',
    'bias',
    'residual',
    'relu',
    'mask',
    'activation',
    'blend',
    'expansion',
    'crossEntropy',
    'flatUpdates',
    'concatInPlace',
  ])
  readonly arrangementOf = (step: StepTypes) => arrangementOf(step, this.convolution)
  readonly maxBlockBytes = 2 ** 31
  // LIME's 1,000 samples and the 10,000 test images come out even. Four large images share the reading of weights that no cache holds.
  readonly batchSizes = [1, 4, 16, 125]
  readonly cachedBytes = 2 ** 25
  readonly lost = new Promise<DeviceLostError>(() => {})
  private memory: LinearMemory | null
  private readonly arenas: Arenas
  private readonly workspaces: Arenas
  private readonly threads: Threads | null
  private readonly relaxed: boolean
  private readonly convolution: ConvolutionChoice
  private readonly tuner: BlockTuner
  /** Runs that wait for threads, and what was asked for after them. */
  private unfinished: Promise<unknown> | null = null

  /** @throws ArgumentError for a number of threads that is none; DeviceError without WebAssembly SIMD */
  constructor(options: CpuDeviceOptions = {}) {
    check('cpu', optionsOf<CpuDeviceOptions>(cpuOptions), options)
    const { threads = availableThreads(), relaxed = false, convolution = 'auto', tuning = tuningMemory() } = options
    if (!hasSimd())
      throw new DeviceError('cpu: WebAssembly with SIMD is missing or switched off here; browsers since 2023 have it')
    this.relaxed = relaxed && hasRelaxedSimd()
    this.convolution = convolution
    this.tuner = new BlockTuner(tuning, this.relaxed)
    this.memory = new LinearMemory({ shared: threads > 1 && canShareMemory() })
    this.arenas = new Arenas(this.memory)
    this.workspaces = new Arenas(this.memory)
    this.threads = this.memory.isShared ? new Threads(this.memory.memory, threads) : null
    if (this.threads) abandoned.register(this, this.threads, this)
  }

  get info(): DeviceInfo {
    const count = this.threads?.count ?? 1
    const parts = ['WebAssembly SIMD', count > 1 ? `${count} threads` : 'one thread']
    return { kind: 'cpu', adapter: [...parts, ...(this.relaxed ? ['relaxed arithmetic'] : [])].join(', ') }
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
    const copy = (values: HostArray) => this.view(block.dtype, block.address + offset, values.length).set(values)
    if (this.unfinished === null) copy(data)
    else {
      const kept = data.slice()
      this.inOrder(() => copy(kept))
    }
  }

  async lower(plan: Plan, blocks: Readonly<Record<string, Memory>>): Promise<CpuProgram> {
    const owned: { dispose(): void }[] = []
    const own = <T extends { dispose(): void }>(part: T): T => {
      owned.push(part)
      return part
    }
    try {
      const { arena, ...others } = plan.spaces
      const spaces = new Map<string, LinearBlock>(
        Object.entries(blocks).map(([name, block]) => [name, this.own(block)]),
      )
      for (const [name, bytes] of Object.entries(others)) spaces.set(name, own(this.open().allocate('f32', bytes)))
      const arenaBlock = this.arenas.acquire(arena)
      own({ dispose: () => this.arenas.release(arenaBlock) })
      spaces.set('arena', arenaBlock)
      const place = (operand: PlanOperand): CpuOperand => {
        const space = spaces.get(operand.space)
        if (!space) throw new DeviceError(`cpu: the plan uses the block "${operand.space}", which was not given`)
        return { shape: operand.shape, dtype: operand.dtype, address: space.address + operand.offset }
      }
      const emitter = await this.emit(plan, place, own)
      const { threads } = this
      // They start while the code is compiled.
      if (emitter.phases.some((phase) => this.isShared(phase))) threads?.start()
      const module = await WebAssembly.compile(emitter.module.encode())
      const instance = await WebAssembly.instantiate(module, { env: { memory: this.open().memory } })
      const phases = emitter.phases.map((phase) => this.runnable(phase, instance.exports[phase.name] as PhaseFunction))
      for (const { operand, values } of plan.constants) {
        const view = this.view(operand.dtype, place(operand).address, sizeOf(operand.shape))
        if (typeof values === 'number') view.fill(values)
        else view.set(values)
      }
      const scratchBytes = Math.ceil(emitter.scratchBytes / 64) * 64
      const scratch = own(this.open().allocate('f32', scratchBytes * (threads?.count ?? 1)))
      const program = { module, phases, scratchOf: scratchPlaces(scratch.address, scratchBytes) }
      if (!threads || phases.every(({ section }) => section === null)) {
        const replay = () => {
          runAlone(program)
          return null
        }
        return new CpuProgram(plan, this, spaces, owned, replay)
      }
      const id = await threads.load(program)
      own({ dispose: () => threads.drop(id) })
      return new CpuProgram(plan, this, spaces, owned, () => threads.replay(id))
    } catch (error) {
      for (const part of owned) part.dispose()
      throw error
    }
  }

  /** A plan's code; of large plans with the blocks that suit this machine, which are found first if they are not known. */
  private async emit(
    plan: Plan,
    place: (operand: PlanOperand) => CpuOperand,
    own: (part: { dispose(): void }) => void,
  ): Promise<KernelEmitter> {
    const kernels = await kernelsNamed(plan.steps.map(({ kernel }) => kernel))
    const emit = () => {
      const workspaces: { dispose(): void }[] = []
      const workspace = (bytes: number) => {
        const block = this.open().allocate('f32', bytes)
        workspaces.push(block)
        return block.address
      }
      const commonWorkspace = (bytes: number) => {
        const block = this.workspaces.acquire(bytes)
        workspaces.push({ dispose: () => this.workspaces.release(block) })
        return block.address
      }
      const module = new ModuleBuilder({ relaxed: this.relaxed, sharedMemory: this.open().isShared })
      const blockFor = (product: ProductShape) => this.tuner.blockFor(product)
      const emitter = new KernelEmitter(
        module,
        workspace,
        commonWorkspace,
        this.convolution,
        this.threads?.count ?? 1,
        blockFor,
      )
      try {
        emitPlan(plan, kernels, place, emitter)
      } catch (error) {
        for (const block of workspaces) block.dispose()
        throw error
      }
      return { emitter, workspaces }
    }
    let emitted = emit()
    const flops = plan.steps.reduce((total, step) => total + step.flops, 0)
    if (flops >= leastTunedFlops) {
      const { products } = emitted.emitter
      // What can't be measured, for want of memory say, is done as usual.
      await this.tuner.tune(products.map(({ shape }) => shape)).catch(() => {})
      if (products.some(({ shape, block }) => !sameBlock(this.tuner.blockFor(shape), block))) {
        for (const block of emitted.workspaces) block.dispose()
        emitted = emit()
      }
    }
    emitted.workspaces.forEach(own)
    return emitted.emitter
  }

  async run(program: Program, inputs: Readonly<Record<string, HostArray>>): Promise<void> {
    if (!(program instanceof CpuProgram) || program.device !== this)
      throw new DeviceError('cpu: this program belongs to another device')
    return this.inOrder(() => {
      if (!program.isUsable) throw new DeviceError('cpu: this program, or memory that it works on, was disposed of')
      checkInputs(program.plan, inputs)
      for (const [name, operand] of Object.entries(program.plan.inputs)) {
        const address = program.space(operand.space).address + operand.offset
        this.view(operand.dtype, address, sizeOf(operand.shape)).set(inputs[name])
      }
      return program.replay() ?? undefined
    })
  }

  runAll(program: Program, count: number, inputsOf: (run: number) => Readonly<Record<string, HostArray>>) {
    return runInTurn(this, program, count, inputsOf)
  }

  runsAtOnce(): number {
    return 1
  }

  /** Measures each different step of the plans alone, by all threads that it is shared by. */
  async profile(plans: readonly Plan[], options: MeasurementOptions = {}): Promise<Measurement[]> {
    const steps = new Map(plans.flatMap((plan) => plan.steps).map((step) => [describeStep(step), step]))
    const trials = [...steps].map(([name, step]) => ({ step, name, candidate: '' }))
    return measureTrials<LinearBlock, CpuProgram>(
      {
        allocate: (dtype, elements) => this.allocate(dtype, elements),
        write: (memory, data, offset) => this.write(memory, data, offset),
        lower: (plan, blocks) => this.lower(plan, blocks),
        arenaOf: (program) => program.space('arena'),
        time: async (program, times) => {
          const start = performance.now()
          for (let run = 0; run < times; run++) await this.run(program, {})
          return performance.now() - start
        },
        assertUsable: () => void this.open(),
      },
      trials,
      options,
    )
  }

  async read({ memory, operand }: Place): Promise<HostArray> {
    const block = this.own(memory)
    checkRange(block, operand.dtype, operand.offset, sizeOf(operand.shape))
    return this.inOrder(() => this.view(operand.dtype, block.address + operand.offset, sizeOf(operand.shape)).slice())
  }

  /**
   * Does work after all that was asked for before: at once, but for a run that waits for threads in the event loop.
   */
  private inOrder<T>(work: () => T | Promise<T>): T | Promise<T> {
    const result = this.unfinished ? this.unfinished.then(work) : work()
    if (!(result instanceof Promise)) return result
    // What is freed meanwhile must not be handed out: what waits may still read and write it.
    const { memory } = this
    memory?.hold()
    const settled = result
      .catch(() => {})
      .finally(() => {
        if (this.unfinished !== settled) return
        this.unfinished = null
        memory?.letGo()
      })
    this.unfinished = settled
    return result
  }

  dispose(): void {
    abandoned.unregister(this)
    this.memory = null
    this.threads?.dispose()
  }

  private isShared({ units, work }: Phase): boolean {
    return this.threads !== null && units > 1 && work >= leastSharedWork
  }

  private runnable(phase: Phase, run: PhaseFunction): RunnablePhase {
    const { name, units } = phase
    const chunkUnits = Math.max(1, Math.floor(units / ((this.threads?.count ?? 1) * chunksPerThread)))
    return { units, run, section: this.isShared(phase) ? { phase: name, units, chunkUnits } : null }
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
