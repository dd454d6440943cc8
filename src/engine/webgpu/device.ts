import {
  checkInputs,
  type Device,
  type DeviceInfo,
  type HostArray,
  type Measurement,
  type MeasurementOptions,
  type Memory,
  type Place,
  type Program,
} from '../device.ts'
import { DeviceError, DeviceLostError } from '../errors.ts'
import { type Fusion, fusions } from '../fuse.ts'
import type { Plan } from '../plan.ts'
import { alignment, byteLengthOf, type DType, formatShape, sizeOf } from '../tensor.ts'
import { type TuningMemory, tuningMemory } from '../tuning-memory.ts'
import { findAdapter, type OpenAdapter } from './adapter.ts'
import { bindingKinds, separate } from './bindings.ts'
import { type AdapterTraits, boundBytes, gridOf, sourceOf } from './dispatch.ts'
import { scoped } from './error-scopes.ts'
import { contextOf, lowerStep } from './lowering.ts'
import { bufferUsage, bytesOf, checkWrite, decode, encode, mapRead, WebGPUMemory } from './memory.ts'
import { Pipelines } from './pipelines.ts'
import { type Command, WebGPUProgram } from './program.ts'
import { type Bench, fastest, kernelsHash, measureTrials, profilingTrials, tuningTrials } from './tune.ts'

/**
 * The WebGPU device, in browsers and (through Dawn) in Node. A plan is lowered to a list of {pipeline, bind group, groups},
 * made once; a run writes the inputs, replays the list in one compute pass and submits it: no object is created but the
 * encoder. Many runs whose results are wanted together are one submit and one read (runAll). Kernels are in src/shaders/,
 * how a step becomes dispatches in lowering.ts and kernels/.
 */
export interface WebGPUOptions {
  /** Take a software adapter where there is no other; true unless given. */
  readonly allowFallbackAdapter?: boolean
  /** Where the choices of tune() are kept; a file in Node, IndexedDB in browsers unless given. */
  readonly tuningMemory?: TuningMemory
}

/** What the device has made since it was opened, and the bytes it was given. For tests of what a replay costs. */
export interface Counters {
  dispatches: number
  passes: number
  submits: number
  writes: number
  bytesWritten: number
  buffers: number
  bindGroups: number
  pipelines: number
  /** Buffers that exist now. */
  liveBuffers: number
}

/**
 * Opens the best adapter.
 * @throws DeviceError that says what to do when there is no WebGPU or no allowed adapter
 */
export async function openWebGPUDevice(options: WebGPUOptions = {}): Promise<WebGPUDevice> {
  const found = await findAdapter(options.allowFallbackAdapter ?? true)
  const { limits, features } = found.adapter
  const gpu = await found.adapter.requestDevice({
    label: 'limelight',
    requiredFeatures: features.has('subgroups') ? ['subgroups'] : [],
    // Nothing here needs more than the defaults but large batches.
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    },
  })
  const device = new WebGPUDevice(gpu, found, options.tuningMemory ?? tuningMemory())
  await device.recall()
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

export class WebGPUDevice implements Device {
  readonly info: DeviceInfo
  readonly fusions: ReadonlySet<Fusion> = new Set(fusions)
  readonly maxBlockBytes: number
  /** The largest layer of the tutorial's network takes 75 MB for 500 images: within what every adapter binds. */
  readonly batchSizes = [1, 32, 125, 500]
  readonly lost: Promise<DeviceLostError>
  readonly counters: Counters = {
    dispatches: 0,
    passes: 0,
    submits: 0,
    writes: 0,
    bytesWritten: 0,
    buffers: 0,
    bindGroups: 0,
    pipelines: 0,
    liveBuffers: 0,
  }

  /** Null once disposed: Dawn keeps Node alive as long as its instance is referenced. */
  private instance: GPU | null
  /** Why nothing works any more: the device was lost, or an error surfaced where no call could throw it. */
  private failure: DeviceError | null = null
  private readonly memories = new Set<WebGPUMemory>()
  private readonly pipelines: Pipelines
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
    { adapter, name, isFallback, instance }: OpenAdapter,
    memory: TuningMemory,
  ) {
    this.instance = instance
    this.pipelines = new Pipelines(gpu, () => this.counters.pipelines++)
    this.traits = traitsOf(gpu, adapter, isFallback)
    this.memory = memory
    this.info = { kind: 'webgpu', adapter: name, isFallbackAdapter: isFallback }
    this.maxBlockBytes = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize)
    this.lost = new Promise((resolve) => {
      gpu.lost.then(({ reason, message }) => {
        if (!this.instance) return
        const error = new DeviceLostError(
          `webgpu: the device was lost (${reason}): ${message || 'no reason given'}. What it held is gone; open another.`,
        )
        this.failure = error
        for (const giveUp of this.waiting) giveUp()
        resolve(error)
      })
    })
    gpu.addEventListener('uncapturederror', (event) => {
      this.failure ??= new DeviceError(`webgpu: ${event.error.message}`)
    })
  }

  allocate(dtype: DType, elements: number): WebGPUMemory {
    this.assertUsable()
    const bytes = elements * (dtype === 'u8' ? 1 : 4)
    if (bytes > this.maxBlockBytes)
      throw new DeviceError(
        `webgpu: a block of ${bytes} bytes was asked for; this adapter holds at most ${this.maxBlockBytes}`,
      )
    const { value, verdict } = scoped(this.gpu, () => this.createMemory(dtype, bytes, `block of ${elements} ${dtype}`))
    verdict.catch((error: DeviceError) => {
      this.failure ??= error
    })
    return value
  }

  write(memory: Memory, data: HostArray, offset = 0): void {
    this.assertUsable()
    const own = this.own(memory)
    checkWrite(own, data.length, offset)
    this.writeBuffer(own, offset, bytesOf(own.dtype, data))
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
    this.checkSizes(plan)
    const bound = new Map(Object.entries(blocks).map(([name, memory]) => [name, this.own(memory)]))
    const missing = plan.blocks.find((name) => !bound.has(name))
    if (missing !== undefined)
      throw new DeviceError(`webgpu: the plan uses the block "${missing}", which was not given`)

    // Which operands share a buffer is known by their spaces, unless one memory serves as two blocks.
    const bufferOf = (space: string): unknown => bound.get(space) ?? space
    const contextFor = contextOf(this.traits, choiceFor)
    const dispatches = plan.steps.flatMap((step) =>
      lowerStep(step, contextFor(step)).flatMap((each) => separate(each, bufferOf, contextFor)),
    )
    const scratchBytes = dispatches
      .flatMap(({ bindings }) => bindings)
      .filter(({ operand }) => operand.space === 'scratch')
      .reduce((bytes, { operand }) => Math.max(bytes, operand.offset + boundBytes(operand)), 0)

    const spaces = new Map<string, WebGPUMemory>()
    try {
      const { verdict } = scoped(this.gpu, () => {
        for (const [name, bytes] of Object.entries({ ...plan.spaces, scratch: scratchBytes })) {
          const memory = this.createMemory('f32', bytes, name)
          spaces.set(name, memory)
          if (name === 'constants') this.writeConstants(plan, memory)
        }
      })
      const prepared = dispatches.map((dispatch) => {
        const kinds = bindingKinds(dispatch, bufferOf)
        return { dispatch, kinds, source: sourceOf(dispatch, kinds) }
      })
      // All at once, so that the driver compiles them in parallel; wait for each, so that none fails unheard.
      const [refused, ...outcomes] = await Promise.allSettled([
        verdict,
        ...prepared.map(async ({ dispatch, kinds, source }): Promise<Command> => {
          const pipeline = await this.pipelines.pipelineFor(dispatch.kernel, kinds, source)
          return { dispatch, kinds, pipeline, layout: this.pipelines.layoutFor(kinds), groups: gridOf(dispatch) }
        }),
      ])
      this.assertUsable()
      if (refused.status === 'rejected') throw refused.reason
      const commands = outcomes.map((outcome) => {
        if (outcome.status === 'rejected') throw outcome.reason
        return outcome.value
      })
      const program = new WebGPUProgram(plan, this, commands, spaces, bound)
      const made = scoped(this.gpu, () => program.addRun(this.gpu))
      this.counters.bindGroups += made.value
      await made.verdict
      this.assertUsable()
      return program
    } catch (error) {
      for (const memory of spaces.values()) memory.dispose()
      this.assertUsable()
      throw error
    }
  }

  async run(program: Program, inputs: Readonly<Record<string, HostArray>>): Promise<void> {
    const own = this.ownProgram(program)
    this.encodeInputs(own, inputs, 0)
    this.writeInputs(own, 1)
    const encoder = this.gpu.createCommandEncoder()
    this.replay(encoder, own, 1)
    this.submit(encoder)

    this.runsInFlight.push(this.gpu.queue.onSubmittedWorkDone().catch(() => {}))
    if (this.runsInFlight.length >= maxRunsInFlight) {
      await this.unlessLost(this.runsInFlight.shift())
    }
  }

  /** Takes over what tune() found on this adapter in other sessions. */
  async recall(): Promise<void> {
    for (const [step, name] of Object.entries(await this.memory.read(this.tunedName))) this.choices.set(step, name)
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
  private readonly bench: Bench = {
    allocate: (dtype, elements) => this.allocate(dtype, elements),
    write: (memory, data) => this.write(memory, data),
    lower: (plan, blocks, candidate) => this.lowerBy(plan, blocks, () => candidate),
    time: async (program, times) => {
      const encoder = this.gpu.createCommandEncoder()
      this.replay(encoder, program, 1, times)
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
    const { value: target, verdict } = scoped(this.gpu, () => {
      this.reserveRuns(own, count)
      for (let run = 0; run < count; run++) this.encodeInputs(own, inputsOf(run), run)
      this.writeInputs(own, count)
      const encoder = this.gpu.createCommandEncoder()
      this.replay(encoder, own, count)
      const buffer = this.createBuffer('read', bytes, bufferUsage.mapRead | bufferUsage.copyTarget)
      if (bytes > 0) encoder.copyBufferToBuffer(own.locate('outputs').buffer, 0, buffer, 0, bytes)
      this.submit(encoder)
      return buffer
    })
    const results = await this.take(target, verdict)
    return Array.from({ length: count }, (_, run) =>
      Object.fromEntries(
        Object.entries(plan.outputs).map(([name, { dtype, shape, offset }]) => [
          name,
          decode(dtype, results, run * plan.spaces.outputs + offset, sizeOf(shape)),
        ]),
      ),
    )
  }

  async read({ memory, operand }: Place): Promise<HostArray> {
    this.assertUsable()
    const own = this.own(memory)
    const elements = sizeOf(operand.shape)
    if (elements === 0) return decode(operand.dtype, new ArrayBuffer(0), 0, 0)
    const start = Math.floor(operand.offset / 4) * 4
    const bytes = Math.ceil((operand.offset - start + byteLengthOf(operand)) / 4) * 4
    const { value: target, verdict } = scoped(this.gpu, () => {
      const buffer = this.createBuffer('read', bytes, bufferUsage.mapRead | bufferUsage.copyTarget)
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
      target.destroy()
      this.counters.liveBuffers--
    }
  }

  dispose(): void {
    if (!this.instance) return
    this.instance = null
    for (const memory of [...this.memories]) memory.dispose()
    this.pipelines.clear()
    this.gpu.destroy()
  }

  private assertUsable(): void {
    if (!this.instance) throw new DeviceError('webgpu: this device was disposed')
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

  private own(memory: Memory): WebGPUMemory {
    if (!(memory instanceof WebGPUMemory) || !(memory.isFreed || this.memories.has(memory)))
      throw new DeviceError('webgpu: this memory belongs to another device')
    if (memory.isFreed) throw new DeviceError('webgpu: this memory was disposed')
    return memory
  }

  private createBuffer(label: string, bytes: number, usage: number): GPUBuffer {
    this.counters.buffers++
    this.counters.liveBuffers++
    return this.gpu.createBuffer({ label, size: Math.max(alignment, Math.ceil(bytes / 4) * 4), usage })
  }

  private createMemory(dtype: DType, bytes: number, label: string): WebGPUMemory {
    const usage = bufferUsage.storage | bufferUsage.uniform | bufferUsage.copySource | bufferUsage.copyTarget
    const memory = new WebGPUMemory(dtype, bytes, this.createBuffer(label, bytes, usage), () => {
      this.counters.liveBuffers--
      this.memories.delete(memory)
    })
    this.memories.add(memory)
    return memory
  }

  private writeBuffer(memory: WebGPUMemory, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    // Deno 2.9 dies of an empty array.
    if (bytes.byteLength === 0) return
    this.gpu.queue.writeBuffer(memory.buffer, offset, bytes)
    this.counters.writes++
    this.counters.bytesWritten += bytes.byteLength
  }

  private writeConstants(plan: Plan, memory: WebGPUMemory): void {
    if (plan.spaces.constants === 0) return
    const bytes = new ArrayBuffer(plan.spaces.constants)
    for (const { operand, values } of plan.constants) {
      const filled = typeof values === 'number' ? new Float64Array(sizeOf(operand.shape)).fill(values) : values
      encode(operand.dtype, filled, bytes, operand.offset)
    }
    this.writeBuffer(memory, 0, new Uint8Array(bytes))
  }

  private submit(encoder: GPUCommandEncoder): void {
    this.gpu.queue.submit([encoder.finish()])
    this.counters.submits++
  }

  private checkSizes(plan: Plan): void {
    for (const [space, bytes] of Object.entries(plan.spaces))
      if (bytes > this.gpu.limits.maxBufferSize)
        throw new DeviceError(
          `webgpu: the plan needs ${bytes} bytes for its ${space}; this adapter's buffers end at ${this.gpu.limits.maxBufferSize}. Take smaller batches.`,
        )
    for (const { kernel, inputs, outputs, states } of plan.steps)
      for (const operand of [...inputs, ...outputs, ...states]) {
        if (boundBytes(operand) > this.gpu.limits.maxStorageBufferBindingSize)
          throw new DeviceError(
            `webgpu: ${kernel}: ${formatShape(operand.shape)} is ${byteLengthOf(operand)} bytes; this adapter binds at most ${this.gpu.limits.maxStorageBufferBindingSize}. Take smaller batches.`,
          )
        if (operand.offset % alignment !== 0)
          throw new DeviceError(
            `webgpu: ${kernel}: an operand starts at byte ${operand.offset} of ${operand.space}; expected a multiple of ${alignment}`,
          )
      }
  }

  private ownProgram(program: Program): WebGPUProgram {
    this.assertUsable()
    if (!(program instanceof WebGPUProgram) || program.device !== this)
      throw new DeviceError('webgpu: this program belongs to another device')
    if (program.isDisposed) throw new DeviceError('webgpu: this program was disposed')
    return program
  }

  /** Makes room for so many runs in one submit. */
  private reserveRuns(program: WebGPUProgram, count: number): void {
    if (program.bindGroups.length >= count) return
    const { plan, spaces } = program
    for (const name of ['inputs', 'outputs'] as const) {
      spaces.get(name)?.dispose()
      spaces.set(name, this.createMemory('f32', count * plan.spaces[name], name))
    }
    program.staging = new ArrayBuffer(count * plan.spaces.inputs)
    program.bindGroups.length = 0
    while (program.bindGroups.length < count) this.counters.bindGroups += program.addRun(this.gpu)
  }

  private encodeInputs({ plan, staging }: WebGPUProgram, inputs: Readonly<Record<string, HostArray>>, run: number) {
    checkInputs(plan, inputs)
    for (const [name, { dtype, offset }] of Object.entries(plan.inputs))
      encode(dtype, inputs[name], staging, run * plan.spaces.inputs + offset)
  }

  private writeInputs(program: WebGPUProgram, count: number): void {
    const bytes = count * program.plan.spaces.inputs
    this.writeBuffer(program.locate('inputs'), 0, new Uint8Array(program.staging, 0, bytes))
  }

  private replay(encoder: GPUCommandEncoder, { commands, bindGroups }: WebGPUProgram, count: number, times = 1): void {
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
