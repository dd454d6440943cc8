import {
  checkInputs,
  type Device,
  type DeviceInfo,
  type HostArray,
  type Memory,
  type Place,
  type Program,
} from '../device.ts'
import { DeviceError, DeviceLostError } from '../errors.ts'
import { type Fusion, fusions } from '../fuse.ts'
import type { Plan, PlanOperand } from '../plan.ts'
import { alignment, byteLengthOf, type DType, formatShape, sizeOf } from '../tensor.ts'
import { findAdapter, type OpenAdapter } from './adapter.ts'
import { boundBytes, type Dispatch, gridOf, read, scratch, sourceOf } from './dispatch.ts'
import { copyDispatch, lowerStep } from './lowering.ts'
import { bufferUsage, bytesOf, checkWrite, decode, encode, mapRead, WebGPUMemory } from './memory.ts'
import { type Command, WebGPUProgram } from './program.ts'

/**
 * The WebGPU device, in browsers and (through Dawn) in Node. A plan is lowered to a list of {pipeline, bind group, groups},
 * made once; a run writes the inputs, replays the list in one compute pass and submits it: no object is created but the
 * encoder. Kernels are in src/shaders/, how a step becomes dispatches in lowering.ts and kernels/.
 *
 * Every space of a plan is one buffer. WebGPU forbids a dispatch to read a buffer through a read-only binding and to write
 * another part of it; so whatever lies in a buffer that a dispatch writes is bound read_write, everything else read. Two
 * read_write bindings must not overlap: an operand that does (the product of an arena tensor with itself, say) is first
 * copied to scratch.
 */
export interface WebGPUOptions {
  /** Take a software adapter where there is no other; true unless given. */
  readonly allowFallbackAdapter?: boolean
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
  const { limits } = found.adapter
  const gpu = await found.adapter.requestDevice({
    label: 'limelight',
    // Nothing here needs more than the defaults but large batches.
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    },
  })
  return new WebGPUDevice(gpu, found)
}

/** Runs submitted and not yet ended, at most. */
const maxRunsInFlight = 3

export class WebGPUDevice implements Device {
  readonly info: DeviceInfo
  readonly fusions: ReadonlySet<Fusion> = new Set(fusions)
  readonly maxBlockBytes: number
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
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>()
  private readonly layouts = new Map<string, GPUBindGroupLayout>()
  private readonly runsInFlight: Promise<unknown>[] = []

  /** Takes over an open WebGPU device; openWebGPUDevice makes one. */
  constructor(
    readonly gpu: GPUDevice,
    { name, isFallback, instance }: Pick<OpenAdapter, 'name' | 'isFallback' | 'instance'>,
  ) {
    this.instance = instance
    this.info = { kind: 'webgpu', adapter: name, isFallbackAdapter: isFallback }
    this.maxBlockBytes = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize)
    this.lost = new Promise((resolve) => {
      gpu.lost.then(({ reason, message }) => {
        if (!this.instance) return
        const error = new DeviceLostError(
          `webgpu: the device was lost (${reason}): ${message || 'no reason given'}. What it held is gone; open another.`,
        )
        this.failure = error
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
    const { value, verdict } = this.scoped(() => this.createMemory(dtype, bytes, `block of ${elements} ${dtype}`))
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

  async lower(plan: Plan, blocks: Readonly<Record<string, Memory>>): Promise<WebGPUProgram> {
    this.assertUsable()
    this.checkSizes(plan)
    const bound = new Map(Object.entries(blocks).map(([name, memory]) => [name, this.own(memory)]))
    const missing = plan.blocks.find((name) => !bound.has(name))
    if (missing !== undefined)
      throw new DeviceError(`webgpu: the plan uses the block "${missing}", which was not given`)

    // Which operands share a buffer is known by their spaces, unless one memory serves as two blocks.
    const bufferOf = (space: string): unknown => bound.get(space) ?? space
    const stepDispatches = plan.steps.map((step) => lowerStep(step).flatMap((each) => this.separate(each, bufferOf)))
    const dispatches = stepDispatches.flat()
    const scratchBytes = dispatches
      .flatMap(({ bindings }) => bindings)
      .filter(({ operand }) => operand.space === 'scratch')
      .reduce((bytes, { operand }) => Math.max(bytes, operand.offset + boundBytes(operand)), 0)

    const spaces = new Map<string, WebGPUMemory>()
    const locate = (space: string): WebGPUMemory => {
      const memory = bound.get(space) ?? spaces.get(space)
      if (memory) return memory
      throw new DeviceError(`webgpu: the plan has no space named "${space}"`)
    }
    try {
      const { verdict } = this.scoped(() => {
        for (const [name, bytes] of Object.entries({ ...plan.spaces, scratch: scratchBytes }))
          spaces.set(name, this.createMemory('f32', bytes, name))
        this.writeConstants(plan, locate('constants'))
      })
      const prepared = dispatches.map((dispatch) => {
        const writable = writableBindings(dispatch, bufferOf)
        return { dispatch, writable, source: sourceOf(dispatch, writable) }
      })
      // All at once, so that the driver compiles them in parallel; wait for each, so that none fails unheard.
      const outcomes = await Promise.allSettled([
        verdict,
        ...prepared.map(({ dispatch, writable, source }) => this.pipelineFor(dispatch, writable, source)),
      ])
      this.assertUsable()
      const rejected = outcomes.find((outcome) => outcome.status === 'rejected')
      if (rejected) throw rejected.reason
      const pipelines = outcomes
        .slice(1)
        .map((outcome) => (outcome as PromiseFulfilledResult<GPUComputePipeline>).value)
      const made = this.scoped(() =>
        prepared.map(
          ({ dispatch, writable }, index): Command => ({
            pipeline: pipelines[index],
            bindGroup: this.createBindGroup(dispatch, writable, locate),
            groups: gridOf(dispatch.threads),
          }),
        ),
      )
      await made.verdict
      this.assertUsable()
      return new WebGPUProgram(plan, this, made.value, spaces, locate)
    } catch (error) {
      for (const memory of spaces.values()) memory.dispose()
      this.assertUsable()
      throw error
    }
  }

  async run(program: Program, inputs: Readonly<Record<string, HostArray>>): Promise<void> {
    this.assertUsable()
    if (!(program instanceof WebGPUProgram) || program.device !== this)
      throw new DeviceError('webgpu: this program belongs to another device')
    if (program.isDisposed) throw new DeviceError('webgpu: this program was disposed')
    const { plan, commands, staging, spaces } = program
    checkInputs(plan, inputs)
    for (const [name, { dtype, offset }] of Object.entries(plan.inputs)) encode(dtype, inputs[name], staging, offset)
    const space = spaces.get('inputs')
    if (space && staging.byteLength > 0) this.writeBuffer(space, 0, new Uint8Array(staging))

    const encoder = this.gpu.createCommandEncoder()
    const pass = encoder.beginComputePass()
    let current: GPUComputePipeline | null = null
    for (const { pipeline, bindGroup, groups } of commands) {
      if (pipeline !== current) pass.setPipeline(pipeline)
      current = pipeline
      pass.setBindGroup(0, bindGroup)
      pass.dispatchWorkgroups(groups[0], groups[1])
    }
    pass.end()
    this.submit(encoder)
    this.counters.passes++
    this.counters.dispatches += commands.length

    this.runsInFlight.push(this.gpu.queue.onSubmittedWorkDone().catch(() => {}))
    if (this.runsInFlight.length >= maxRunsInFlight) {
      await Promise.race([this.runsInFlight.shift(), this.lost])
      this.assertUsable()
    }
  }

  async read({ memory, operand }: Place): Promise<HostArray> {
    this.assertUsable()
    const own = this.own(memory)
    const elements = sizeOf(operand.shape)
    if (elements === 0) return decode(operand.dtype, new ArrayBuffer(0), 0, 0)
    const start = Math.floor(operand.offset / 4) * 4
    const bytes = Math.ceil((operand.offset - start + byteLengthOf(operand)) / 4) * 4
    const { value: target, verdict } = this.scoped(() => {
      const buffer = this.createBuffer('read', bytes, bufferUsage.mapRead | bufferUsage.copyTarget)
      const encoder = this.gpu.createCommandEncoder()
      encoder.copyBufferToBuffer(own.buffer, start, buffer, 0, bytes)
      this.submit(encoder)
      return buffer
    })
    try {
      await verdict
      await target.mapAsync(mapRead)
      const copy = target.getMappedRange().slice(0)
      return decode(operand.dtype, copy, operand.offset - start, elements)
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
    this.layouts.clear()
    this.gpu.destroy()
  }

  private assertUsable(): void {
    if (!this.instance) throw new DeviceError('webgpu: this device was disposed')
    if (this.failure) throw this.failure
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
    const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget
    const memory = new WebGPUMemory(dtype, bytes, this.createBuffer(label, bytes, usage), () => {
      this.counters.liveBuffers--
      this.memories.delete(memory)
    })
    this.memories.add(memory)
    return memory
  }

  private writeBuffer(memory: WebGPUMemory, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
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

  /** Runs `create`; `verdict` rejects with a DeviceError if WebGPU refused anything in it. Scopes nest, so no awaits inside. */
  private scoped<T>(create: () => T): { value: T; verdict: Promise<void> } {
    this.gpu.pushErrorScope('out-of-memory')
    this.gpu.pushErrorScope('validation')
    const scopes: Promise<GPUError | null>[] = []
    try {
      return {
        value: create(),
        verdict: Promise.resolve().then(async () => {
          const [invalid, full] = await Promise.all(scopes)
          if (full) throw new DeviceError(`webgpu: out of memory: ${full.message}`)
          if (invalid) throw new DeviceError(`webgpu: ${invalid.message}`)
        }),
      }
    } finally {
      // A lost device has no errors to tell; assertUsable reports the loss.
      for (let scope = 0; scope < 2; scope++) scopes.push(this.gpu.popErrorScope().catch(() => null))
    }
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

  /** The dispatch, after copies of the operands it could not bind: those that overlap in a buffer it writes. */
  private separate(dispatch: Dispatch, bufferOf: (space: string) => unknown): Dispatch[] {
    const writable = writableBindings(dispatch, bufferOf)
    const copies: Dispatch[] = []
    let end = dispatch.bindings
      .filter(({ operand }) => operand.space === 'scratch')
      .reduce((bytes, { operand }) => Math.max(bytes, operand.offset + boundBytes(operand)), 0)
    const bindings = dispatch.bindings.map((binding, index) => {
      if (binding.access === 'write' || !writable[index]) return binding
      const { operand } = binding
      const isTaken = dispatch.bindings.some(
        (other, at) =>
          at !== index &&
          (other.access === 'write' || at < index) &&
          bufferOf(other.operand.space) === bufferOf(operand.space) &&
          operand.offset < other.operand.offset + boundBytes(other.operand) &&
          other.operand.offset < operand.offset + boundBytes(operand),
      )
      if (!isTaken) return binding
      const copy: PlanOperand = {
        ...scratch(operand.shape, Math.ceil(end / alignment) * alignment),
        dtype: operand.dtype,
      }
      end = copy.offset + boundBytes(copy)
      copies.push(copyDispatch(operand, copy))
      return read(binding.name, copy, binding.element)
    })
    return [...copies, { ...dispatch, bindings }]
  }

  private layoutFor(writable: readonly boolean[]): GPUBindGroupLayout {
    const key = writable.map((flag) => (flag ? 'w' : 'r')).join('')
    const known = this.layouts.get(key)
    if (known) return known
    const compute = 0x4
    const layout = this.gpu.createBindGroupLayout({
      label: key,
      entries: writable.map((flag, binding) => ({
        binding,
        visibility: compute,
        buffer: { type: flag ? 'storage' : 'read-only-storage' },
      })),
    })
    this.layouts.set(key, layout)
    return layout
  }

  private pipelineFor(dispatch: Dispatch, writable: readonly boolean[], source: string): Promise<GPUComputePipeline> {
    const known = this.pipelines.get(source)
    if (known) return known
    const made = this.createPipeline(dispatch.kernel, writable, source)
    this.pipelines.set(source, made)
    made.catch(() => this.pipelines.delete(source))
    return made
  }

  private async createPipeline(
    kernel: string,
    writable: readonly boolean[],
    source: string,
  ): Promise<GPUComputePipeline> {
    const { value: module, verdict } = this.scoped(() => this.gpu.createShaderModule({ label: kernel, code: source }))
    const layout = this.gpu.createPipelineLayout({ bindGroupLayouts: [this.layoutFor(writable)] })
    const pipeline = this.gpu.createComputePipelineAsync({
      label: kernel,
      layout,
      compute: { module, entryPoint: 'main' },
    })
    const [made, checked] = await Promise.allSettled([pipeline, verdict])
    if (made.status === 'fulfilled' && checked.status === 'fulfilled') {
      this.counters.pipelines++
      return made.value
    }
    this.assertUsable()
    const cause: unknown = made.status === 'rejected' ? made.reason : checked.status === 'rejected' && checked.reason
    throw new DeviceError(`webgpu: kernel "${kernel}" was refused: ${await complaints(module, source, cause)}`, {
      cause,
    })
  }

  private createBindGroup(
    { kernel, bindings }: Dispatch,
    writable: readonly boolean[],
    locate: (space: string) => WebGPUMemory,
  ): GPUBindGroup {
    this.counters.bindGroups++
    return this.gpu.createBindGroup({
      label: kernel,
      layout: this.layoutFor(writable),
      entries: bindings.map(({ operand }, binding) => ({
        binding,
        resource: {
          buffer: locate(operand.space).buffer,
          // An empty operand may start where its space ends.
          offset: sizeOf(operand.shape) === 0 ? 0 : operand.offset,
          size: boundBytes(operand),
        },
      })),
    })
  }
}

/** Which bindings lie in a buffer that the dispatch writes: WebGPU wants them all read_write. */
function writableBindings({ bindings }: Dispatch, bufferOf: (space: string) => unknown): boolean[] {
  const written = new Set(
    bindings.filter(({ access }) => access === 'write').map(({ operand }) => bufferOf(operand.space)),
  )
  return bindings.map(({ operand }) => written.has(bufferOf(operand.space)))
}

/** The compiler's messages with the lines they are about, or else what the pipeline's creation said. */
async function complaints(module: GPUShaderModule, source: string, cause: unknown): Promise<string> {
  const { messages } = await module.getCompilationInfo()
  const lines = source.split('\n')
  const errors = messages.filter(({ type }) => type === 'error')
  if (errors.length === 0) return cause instanceof Error ? cause.message : String(cause)
  return errors
    .map(({ message, lineNum, linePos }) => `${lineNum}:${linePos} ${message}\n  ${lines[lineNum - 1] ?? ''}`)
    .join('\n')
}
