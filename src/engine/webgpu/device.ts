import { check, optionsOf } from '../arguments.ts'
import type {
  Device,
  DeviceInfo,
  HostArray,
  Measurement,
  MeasurementOptions,
  Memory,
  Place,
  Program,
} from '../device.ts'
import { DeviceError, DeviceLostError } from '../errors.ts'
import { type Fusion, fusions } from '../plan/fusions.ts'
import type { Plan } from '../plan/plan.ts'
import { debug } from '../platform/debug.ts'
import { type TuningMemory, tuningMemory } from '../platform/tuning-memory.ts'
import { type Bench, measureTrials } from '../step-trials.ts'
import { byteLengthOf, type DType, sizeOf } from '../tensor.ts'
import { findAdapter, type OpenAdapter } from './adapter.ts'
import { Buffers } from './buffers.ts'
import { newCounters } from './counters.ts'
import { type WebGPUOptions, webgpuOptions } from './device-options.ts'
import type { AdapterTraits } from './dispatch.ts'
import { scoped } from './error-scopes.ts'
import { kernelsHash } from './kernels-hash.ts'
import { lowerPlan } from './lower-plan.ts'
import { bytesOf, checkWrite, decode, mapRead, type WebGPUMemory } from './memory.ts'
import { Pipelines } from './pipelines.ts'
import { type ProgramOwner, WebGPUProgram } from './program.ts'
import { decodeOutputs, type Runs } from './runs.ts'
import { fastest, profilingTrials, tuningTrials } from './tune.ts'

/**
 * The WebGPU device, in browsers and (through Dawn) in Node. A plan is lowered to a list of {pipeline, bind group, groups},
 * made once; a run writes the inputs, replays the list in one compute pass and submits it: no object is created but the
 * encoder. Many runs whose results are wanted together are one submit and one read (runAll). How a plan becomes that
 * list is in lower-plan.ts, how a step becomes dispatches in lowering.ts and kernels/, whose WGSL is in src/shaders/.
 */

/**
 * Opens the best adapter.
 * @throws ArgumentError for an option that does not exist, or is not of its kind; DeviceError that says what to do when
 * there is no WebGPU or no allowed adapter, or when the adapter refuses
 * @internal
 */
export async function openWebGPUDevice(options: WebGPUOptions = {}): Promise<WebGPUDevice> {
  check('webgpu', optionsOf<WebGPUOptions>(webgpuOptions), options)
  const found = await findAdapter(options.allowFallbackAdapter ?? true)
  const { limits, features } = found.adapter
  const wanted = ['subgroups', ...(options.halfPrecision ? ['shader-f16'] : [])] as GPUFeatureName[]
  const gpu = await found.adapter
    .requestDevice({
      label: 'limelight',
      requiredFeatures: wanted.filter((feature) => features.has(feature)),
      // Nothing here needs more than the defaults but large batches.
      requiredLimits: {
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      },
    })
    .catch((cause: unknown) => {
      throw new DeviceError(
        `webgpu: ${found.name} can't be opened: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
    })
  const device = new WebGPUDevice(gpu, found, options.tuningMemory ?? tuningMemory())
  try {
    await device.recall()
  } catch (error) {
    device.dispose()
    throw error
  }
  return device
}

/** Submits not yet ended, at most. */
const maxRunsInFlight = 3

/**
 * Work in one submit, at most: drivers take a GPU that answers nobody for two seconds for hung. On a software adapter it is
 * ten seconds' work or so, and who waits for it wants to see that it goes on.
 */
const maxFlopsPerSubmit = 1e12
const maxFlopsPerWatchedSubmit = 2e10
/** Inputs and outputs of all runs of a submit. */
const maxBytesPerSubmit = 2 ** 26

/** Frees what devices hold that nobody disposed of before they were collected. */
const abandoned = new FinalizationRegistry<GPUDevice>((gpu) => gpu.destroy())

/** @internal */
export class WebGPUDevice implements Device, ProgramOwner {
  readonly info: DeviceInfo
  readonly fusions: ReadonlySet<Fusion>
  readonly maxBlockBytes: number
  /** The largest layer of the tutorial's network takes 75 MB for 500 images: within what every adapter binds. */
  readonly batchSizes = [1, 8, 32, 125, 500]
  readonly lost: Promise<DeviceLostError>
  private tellLoss: (error: DeviceLostError) => void = () => {}
  readonly counters = newCounters()
  readonly buffers: Buffers
  readonly pipelines: Pipelines

  private isDisposed = false
  /** Why nothing works any more: the device was lost, or an error surfaced where no call could throw it. */
  private failure: DeviceError | null = null
  /** What its kernels are made for. */
  readonly traits: AdapterTraits
  private readonly memory: TuningMemory
  /** Candidates that tuning chose, by step. */
  private readonly choices = new Map<string, string>()
  private readonly runsInFlight: Promise<unknown>[] = []
  /** Ends of waiting for work that a lost device never does. */
  private readonly waiting = new Set<() => void>()

  /** Takes over an open WebGPU device; openWebGPUDevice makes one. */
  constructor(
    readonly gpu: GPUDevice,
    { adapter, name, isFallback }: OpenAdapter,
    memory: TuningMemory,
  ) {
    this.buffers = new Buffers(gpu, this.counters)
    this.pipelines = new Pipelines(gpu, () => this.counters.pipelines++)
    this.traits = traitsOf(gpu, adapter, isFallback)
    this.memory = memory
    const halfPrecision = gpu.features.has('shader-f16')
    this.fusions = new Set(fusions.filter((fusion) => fusion !== 'half' || halfPrecision))
    this.info = { kind: 'webgpu', adapter: name, isFallbackAdapter: isFallback, halfPrecision }
    this.maxBlockBytes = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize)
    this.lost = new Promise((resolve) => {
      this.tellLoss = resolve
    })
    WebGPUDevice.report(gpu, new WeakRef(this))
    abandoned.register(this, gpu, this)
  }

  /** Tells a device what WebGPU tells, and does not keep it: Dawn never lets go of a listener and of what it references. */
  private static report(gpu: GPUDevice, owner: WeakRef<WebGPUDevice>): void {
    gpu.lost.then(({ reason, message }) => owner.deref()?.lose(reason, message))
    gpu.addEventListener('uncapturederror', ({ error }) => {
      const device = owner.deref()
      if (device) device.failure ??= new DeviceError(`webgpu: ${error.message}`)
    })
  }

  private lose(reason: string, message: string): void {
    if (this.isDisposed) return
    const error = new DeviceLostError(
      `webgpu: the device was lost (${reason}): ${message || 'no reason given'}. What it held is gone; open another.`,
    )
    this.failure = error
    for (const giveUp of this.waiting) giveUp()
    this.tellLoss(error)
  }

  allocate(dtype: DType, elements: number): WebGPUMemory {
    this.assertUsable()
    const bytes = elements * (dtype === 'u8' ? 1 : 4)
    if (bytes > this.maxBlockBytes)
      throw new DeviceError(
        `webgpu: a block of ${bytes} bytes was asked for; this adapter holds at most ${this.maxBlockBytes}`,
      )
    const { value, verdict } = scoped(this.gpu, () =>
      this.buffers.createMemory(dtype, bytes, `block of ${elements} ${dtype}`),
    )
    verdict.catch((error: DeviceError) => {
      this.failure ??= error
    })
    return value
  }

  write(memory: Memory, data: HostArray, offset = 0): void {
    this.assertUsable()
    const own = this.buffers.own(memory)
    checkWrite(own, data.length, offset)
    this.buffers.write(own, offset, bytesOf(own.dtype, data))
  }

  lower(plan: Plan, blocks: Readonly<Record<string, Memory>>): Promise<WebGPUProgram> {
    return this.lowerBy(plan, blocks, (step) => this.choices.get(step))
  }

  private async lowerBy(
    plan: Plan,
    blocks: Readonly<Record<string, Memory>>,
    choiceFor: (step: string) => string | undefined,
  ): Promise<WebGPUProgram> {
    this.assertUsable()
    const own = new Map(Object.entries(blocks).map(([name, memory]) => [name, this.buffers.own(memory)]))
    return lowerPlan(this, plan, own, choiceFor)
  }

  async run(program: Program, inputs: Readonly<Record<string, HostArray>>): Promise<void> {
    const own = this.ownProgram(program)
    own.runs.encodeInputs(0, inputs)
    this.writeInputs(own.runs, 1)
    const encoder = this.gpu.createCommandEncoder()
    this.replay(encoder, own, own.runs, 1)
    this.submit(encoder)

    this.runsInFlight.push(this.gpu.queue.onSubmittedWorkDone().catch(() => {}))
    if (this.runsInFlight.length >= maxRunsInFlight) {
      await this.unlessLost(this.runsInFlight.shift())
    }
  }

  /** Takes over what tune() found on this adapter in other sessions. */
  async recall(): Promise<void> {
    for (const [step, name] of Object.entries(await this.memory.read(this.tunedName))) {
      this.choices.set(step, name)
      debug('tune', () => `${step}: ${name}, remembered`)
    }
  }

  private get tunedName(): string {
    return `${this.info.adapter}, kernels ${kernelsHash}`
  }

  /**
   * Measures every way to run the plans' steps on this adapter and remembers the fastest: programs lowered from now on use
   * them, and so do later sessions. Only steps that there are several ways for take part.
   */
  async tune(plans: readonly Plan[], options: MeasurementOptions = {}): Promise<Measurement[]> {
    this.assertUsable()
    const results = await measureTrials(this.bench, tuningTrials(plans, this.traits), options)
    const best = fastest(results)
    for (const { step, candidate, milliseconds } of best)
      debug('tune', () => `${step}: ${candidate}, ${milliseconds.toFixed(3)} ms`)
    for (const { step, candidate } of best) this.choices.set(step, candidate)
    await this.memory.write(this.tunedName, Object.fromEntries(best.map(({ step, candidate }) => [step, candidate])))
    return results
  }

  /** Measures each different step of the plans alone, by the candidate that programs take. */
  async profile(plans: readonly Plan[], options: MeasurementOptions = {}): Promise<Measurement[]> {
    this.assertUsable()
    return measureTrials(this.bench, profilingTrials(plans, this.traits, this.choices), options)
  }

  /** For measuring: lowers by one candidate, and says what so many runs in one submit take. */
  private readonly bench: Bench<WebGPUMemory, WebGPUProgram> = {
    allocate: (dtype, elements) => this.allocate(dtype, elements),
    write: (memory, data, offset) => this.write(memory, data, offset),
    lower: (plan, blocks, candidate) => this.lowerBy(plan, blocks, () => candidate),
    arenaOf: (program) => program.locate('arena'),
    time: async (program, times) => {
      const encoder = this.gpu.createCommandEncoder()
      this.replay(encoder, program, program.runs, 1, times)
      const start = performance.now()
      this.submit(encoder)
      await this.unlessLost(this.gpu.queue.onSubmittedWorkDone().catch(() => {}))
      return performance.now() - start
    },
    assertUsable: () => this.assertUsable(),
  }

  runsAtOnce(program: Program, isWatched: boolean): number {
    const { plan } = this.ownProgram(program)
    const flops = plan.steps.reduce((total, step) => total + step.flops, 0)
    const most = isWatched && this.info.isFallbackAdapter ? maxFlopsPerWatchedSubmit : maxFlopsPerSubmit
    const bytes = plan.spaces.inputs + plan.spaces.outputs
    return Math.max(1, Math.floor(Math.min(most / Math.max(flops, 1), maxBytesPerSubmit / Math.max(bytes, 1))))
  }

  async runAll(
    program: Program,
    count: number,
    inputsOf: (run: number) => Readonly<Record<string, HostArray>>,
  ): Promise<Readonly<Record<string, HostArray>>[]> {
    const own = this.ownProgram(program)
    const { plan } = own
    const bytes = count * plan.spaces.outputs
    let { runs } = own
    try {
      const { value: target, verdict } = scoped(this.gpu, () => {
        if (runs.count < count) runs = own.makeRuns(count)
        for (let run = 0; run < count; run++) runs.encodeInputs(run, inputsOf(run))
        this.writeInputs(runs, count)
        const encoder = this.gpu.createCommandEncoder()
        this.replay(encoder, own, runs, count)
        const buffer = this.buffers.createReadable(bytes)
        if (bytes > 0) encoder.copyBufferToBuffer(runs.memories.outputs.buffer, 0, buffer, 0, bytes)
        this.submit(encoder)
        return buffer
      })
      const results = await this.take(
        target,
        verdict.then(() => own.adopt(runs)),
      )
      return decodeOutputs(plan, results, count)
    } catch (error) {
      if (runs !== own.runs) runs.dispose()
      throw error
    }
  }

  async read({ memory, operand }: Place): Promise<HostArray> {
    this.assertUsable()
    const own = this.buffers.own(memory)
    const elements = sizeOf(operand.shape)
    if (elements === 0) return decode(operand.dtype, new ArrayBuffer(0), 0, 0)
    const start = Math.floor(operand.offset / 4) * 4
    const bytes = Math.ceil((operand.offset - start + byteLengthOf(operand)) / 4) * 4
    const { value: target, verdict } = scoped(this.gpu, () => {
      const buffer = this.buffers.createReadable(bytes)
      const encoder = this.gpu.createCommandEncoder()
      encoder.copyBufferToBuffer(own.buffer, start, buffer, 0, bytes)
      this.submit(encoder)
      return buffer
    })
    return decode(operand.dtype, await this.take(target, verdict), operand.offset - start, elements)
  }

  /** What a buffer holds once all that was submitted before has run; the buffer is gone then. */
  private async take(target: GPUBuffer, verdict: Promise<void>): Promise<ArrayBuffer> {
    try {
      await verdict
      await target.mapAsync(mapRead)
      return target.getMappedRange().slice(0)
    } catch (error) {
      // A lost device rejects the mapping a little before it says that it is lost.
      await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, 50))])
      this.assertUsable()
      throw error instanceof DeviceError ? error : new DeviceError('webgpu: reading back failed', { cause: error })
    } finally {
      this.buffers.destroyReadable(target)
    }
  }

  dispose(): void {
    if (this.isDisposed) return
    this.isDisposed = true
    abandoned.unregister(this)
    this.buffers.dispose()
    this.pipelines.clear()
    this.gpu.destroy()
  }

  /** @throws DeviceError when the device was lost or disposed */
  assertUsable(): void {
    if (this.isDisposed) throw new DeviceError('webgpu: this device was disposed')
    if (this.failure) throw this.failure
  }

  /**
   * Waits for work, or for the device's loss. Not a race with `lost`: a promise that stays pending keeps what is hung on it,
   * a little more with every step.
   */
  private async unlessLost(work: Promise<unknown> | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        this.waiting.delete(end)
        resolve()
      }
      this.waiting.add(end)
      work?.then(end)
    })
    this.assertUsable()
  }

  private submit(encoder: GPUCommandEncoder): void {
    this.gpu.queue.submit([encoder.finish()])
    this.counters.submits++
  }

  private ownProgram(program: Program): WebGPUProgram {
    this.assertUsable()
    if (!(program instanceof WebGPUProgram) || program.device !== this)
      throw new DeviceError('webgpu: this program belongs to another device')
    if (program.isDisposed) throw new DeviceError('webgpu: this program was disposed')
    return program
  }

  private writeInputs(runs: Runs, count: number): void {
    this.buffers.write(runs.memories.inputs, 0, runs.inputsOf(count))
  }

  private replay(
    encoder: GPUCommandEncoder,
    { commands }: WebGPUProgram,
    { bindGroups }: Runs,
    count: number,
    times = 1,
  ): void {
    const pass = encoder.beginComputePass()
    let current: GPUComputePipeline | null = null
    for (let run = 0; run < count * times; run++)
      for (const [index, { pipeline, groups }] of commands.entries()) {
        if (pipeline !== current) pass.setPipeline(pipeline)
        current = pipeline
        pass.setBindGroup(0, bindGroups[run % count][index])
        pass.dispatchWorkgroups(...groups)
      }
    pass.end()
    this.counters.passes++
    this.counters.dispatches += count * times * commands.length
  }
}

/** What a shader may rely on. Sizes of subgroups differ within some adapters: kernels take one for granted. */
function traitsOf(gpu: GPUDevice, { info }: GPUAdapter, isSoftware: boolean): AdapterTraits {
  const isFixed = info.subgroupMinSize === info.subgroupMaxSize
  return {
    lanes: gpu.features.has('subgroups') && isFixed ? info.subgroupMinSize : 0,
    maxUniformBytes: gpu.limits.maxUniformBufferBindingSize,
    isSoftware,
  }
}
