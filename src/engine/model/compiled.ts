import { abortSignal, callback } from '../arguments.ts'
import type { Device, HostArray, Memory, Place, Program } from '../device.ts'
import { LimelightError } from '../errors.ts'
import { describePlan, makePlan, type Plan } from '../plan/plan.ts'
import { PreparedValues } from '../plan/prepare.ts'
import type { Graph } from '../plan/trace.ts'
import type { AbortSignal } from '../platform/types.ts'
import { yieldToEvents } from '../platform/yield.ts'
import { align, Input, Resident, sizeOf, type Tensor } from '../tensor.ts'
import { type Applied, inUse, type Network, type NetworkContext, only, type Parameter } from './network.ts'
import { OccasionalPrograms, type Tables } from './occasional-programs.ts'
import { PreparedParameters } from './prepared-parameters.ts'

/** @internal */
export const longCallOptions = { signal: abortSignal, onProgress: callback }

export interface LongCallOptions {
  /** Stops the call, which then throws the signal's reason; the next call works. */
  readonly signal?: AbortSignal
  /** Samples done so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Work whose first rows are of use before its last. */
export interface ChunkOptions extends LongCallOptions {
  /**
   * Hears of all rows that are done, from the first on, whenever some are and others are still to come; those go on once it is
   * through. The rows are to be read only.
   */
  readonly onRows?: (done: Pick<Predictions, 'data' | 'shape'>) => void | Promise<void>
}

export interface Predictions {
  /** [N, classes], row-major. */
  readonly data: Float32Array<ArrayBuffer>
  readonly shape: readonly [number, number]
  /** Multiplications and additions that it took. */
  readonly flops: number
}

/**
 * The block of residents that holds the parameters, one behind the other, each at a multiple of 256 bytes: what is trained
 * comes first, so that an optimizer's updates lie side by side.
 */
export const parameterBlock = 'parameters'

function placesOf(parameters: readonly Parameter[]) {
  const bytesOf = (some: readonly Parameter[]) => some.reduce((sum, { shape }) => sum + align(4 * sizeOf(shape)), 0)
  let trained = 0
  const trainedBytes = bytesOf(parameters.filter(({ trainable }) => trainable))
  let kept = trainedBytes
  const places = parameters.map((parameter) => {
    const place = new Resident(parameterBlock, parameter.trainable ? trained : kept, parameter.shape)
    if (parameter.trainable) trained += bytesOf([parameter])
    else kept += bytesOf([parameter])
    return place
  })
  return { places, trainedBytes, bytes: kept }
}

/** So many runs of a smaller batch are no slower than one that is half empty. */
const fewRuns = 4

/** Work over many samples that is planned for a batch and run chunk by chunk. */
export interface ChunkedWork {
  /** Names the graph: programs are kept by it and by batch size. */
  readonly key: string
  /** Its sizes may not come again: its programs may be given up. */
  readonly isOccasional?: true
  /** Of occasional work: what all chunks read, by the blocks of residents in its graph. It lies on the device once. */
  readonly tables?: Tables
  /** Of occasional work, the same where it lies on the device already: memory that outlives the work. */
  readonly blocks?: Readonly<Record<string, Memory>>
  graph(batch: number): Graph
  /** May use the same arrays again for the next chunk: a run has copied them. */
  inputs(first: number, batch: number): Readonly<Record<string, HostArray>>
}

/** A network on a device: its parameters' memory and its programs. */
export class CompiledModel {
  /** Where the network's parameters are, in their order. */
  readonly parameters: readonly Resident[]
  readonly parameterMemory: Memory
  /** Elements of the parameter block, padding included. */
  readonly parameterElements: number
  /** Of the block's beginning, where what is trained lies: as much as each of an optimizer's blocks has. */
  readonly trainedElements: number
  /** Being trained by a call of fit(): two at once would share one optimizer. */
  isTraining = false
  private readonly prepared: PreparedParameters
  private readonly programs = new Map<string, Promise<Program>>()
  private readonly plans = new Map<string, Plan>()
  /** Bytes of the arena that the device's smallest batch takes, by what work is called. */
  private readonly leastArenas = new Map<string, number>()
  private readonly occasional: OccasionalPrograms
  private readonly owned: { dispose(): void }[] = []
  private isDisposed = false
  private turn: Promise<unknown> = Promise.resolve()

  constructor(
    readonly network: Network,
    readonly device: Device,
  ) {
    const { places, trainedBytes, bytes } = placesOf(network.parameters)
    this.parameters = places
    this.parameterElements = bytes / 4
    this.trainedElements = trainedBytes / 4
    this.parameterMemory = device.allocate('f32', this.parameterElements)
    this.prepared = this.own(new PreparedParameters(device, parameterBlock, this.parameterMemory))
    this.own(this.parameterMemory)
    const lower = (plan: Plan, blocks: Readonly<Record<string, Memory>>) =>
      device.lower(plan, { ...this.prepared.memoriesFor(plan), ...blocks })
    this.occasional = this.own(new OccasionalPrograms(device, lower, (key) => this.plans.delete(key)))
    this.uploadWeights()
  }

  uploadWeights(): void {
    this.network.parameters.forEach(({ data }, i) => {
      this.device.write(this.parameterMemory, data, this.parameters[i].offset)
    })
    this.prepared.outdate()
  }

  /** The weights as they are on the device, one array each; the host's stay as they are. */
  async readWeights(): Promise<Float32Array[]> {
    const shape = [this.parameterElements]
    const place: Place = { memory: this.parameterMemory, operand: { shape, dtype: 'f32', offset: 0 } }
    const values = await this.exclusive(() => this.device.read(place))
    return this.network.parameters.map(({ data }, i) => {
      const first = this.parameters[i].offset / 4
      return Float32Array.from(values.subarray(first, first + data.length))
    })
  }

  /**
   * Runs work that others must not come between (a run and the reading of its results: programs are shared), after all such
   * work that was asked for before.
   * @throws LimelightError when the model was disposed of, or compiled again, in the meantime
   */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(() => {
      if (this.isDisposed) throw new LimelightError('the model was disposed of, or compiled again, while it was in use')
      return work()
    })
    this.turn = mine.catch(() => {})
    return mine
  }

  /** Runs a program of this network: exclusively, and after what hangs on its parameters alone was computed. */
  run(program: Program, inputs: Readonly<Record<string, HostArray>>): Promise<void> {
    return this.withParameters(program, () => this.device.run(program, inputs))
  }

  /** The outputs of so many runs, as Device.runAll gives them. `before` comes right before them. */
  private runAll(
    program: Program,
    count: number,
    inputsOf: (run: number) => Readonly<Record<string, HostArray>>,
    before = () => {},
  ): Promise<Readonly<Record<string, HostArray>>[]> {
    return this.withParameters(program, () => {
      before()
      return this.device.runAll(program, count, inputsOf)
    })
  }

  private withParameters<T>({ plan }: Program, run: () => Promise<T>): Promise<T> {
    return this.exclusive(async () => {
      while (!this.prepared.isReady(plan)) await this.prepared.prepare(plan)
      if (plan.steps.some(({ states }) => states.some(({ space }) => space === parameterBlock))) this.prepared.outdate()
      return run()
    })
  }

  /** Memory that lives as long as the compiled model. */
  own<T extends { dispose(): void }>(owned: T): T {
    this.owned.push(owned)
    return owned
  }

  /** The network as a graph that reads its parameters here. In use, unless the context says that it is trained. */
  apply(inputs: readonly Tensor[], context: NetworkContext = inUse): Applied {
    return this.network.apply(inputs, this.parameters, context)
  }

  /** The output of a network that has but one, in use. */
  forward(x: Tensor): Tensor {
    return only('outputs', this.apply([x]).outputs)
  }

  /**
   * Each input [batch, …shape], by its name -> each output [batch, …shape], as y0, y1, …: an object's keys keep their order only where
   * they are no whole numbers, which are what exporters name outputs.
   */
  predictionGraph(batch: number): Graph {
    const given = this.network.inputs.map(({ name, shape }) => new Input(name, [batch, ...shape]))
    const { outputs } = this.apply(given)
    return { outputs: Object.fromEntries(outputs.map((output, i) => [`y${i}`, output])) }
  }

  /** The plan of a graph of this network in use. What it prepares, or an earlier one, run() computes when it is due. */
  plan(graph: Graph): Plan {
    return this.prepared.plan(graph)
  }

  /** A program for this plan, lowered once. */
  program(key: string, plan: Plan): Promise<Program> {
    const known = this.programs.get(key)
    if (known) return known
    const program = this.device.lower(plan, this.prepared.memoriesFor(plan))
    this.programs.set(key, program)
    // A plan that was refused (out of memory, say) may be tried again.
    program.catch(() => this.programs.delete(key))
    return program
  }

  /** The outputs of one run of a program that may be given up afterwards. */
  runOccasional(
    key: string,
    plan: Plan,
    inputs: Readonly<Record<string, HostArray>>,
  ): Promise<Readonly<Record<string, HostArray>>[]> {
    return this.occasional.use(key, plan, {}, (program) => this.runAll(program, 1, () => inputs))
  }

  /** Does work with a program of its own, which reads these blocks beside the network's, and is gone with its outputs when the work ends. */
  async once<T>(
    key: string,
    plan: Plan,
    blocks: Readonly<Record<string, Memory>>,
    work: (program: Program) => Promise<T>,
  ): Promise<T> {
    this.plans.delete(key)
    const program = await this.device.lower(plan, { ...this.prepared.memoriesFor(plan), ...blocks })
    try {
      return await work(program)
    } finally {
      program.dispose()
    }
  }

  /** A weight as it is on the device now: the host's copy is behind while fit() runs. */
  async parameterValues(parameter: Resident): Promise<Float32Array> {
    const { data } = this.network.parameters[this.parameters.indexOf(parameter)]
    if (!this.isTraining) return data
    const { shape, offset } = parameter
    const place: Place = { memory: this.parameterMemory, operand: { shape, dtype: 'f32', offset } }
    return Float32Array.from(await this.exclusive(() => this.device.read(place)))
  }

  /** Runs work over `total` samples in chunks and joins the results: outputs side by side in one row a sample. */
  async inChunks(total: number, options: ChunkOptions, work: ChunkedWork): Promise<Predictions> {
    const { batch, plan } = this.planFor(total, work)
    const key = `${work.key}:${batch}`
    const run = (program: Program, writeTables?: () => void) =>
      this.joinChunks(total, options, work, { batch, program, writeTables })
    if (work.blocks) return this.once(key, plan, work.blocks, run)
    return work.isOccasional
      ? this.occasional.use(key, plan, work.tables ?? {}, run)
      : run(await this.program(key, plan))
  }

  private async joinChunks(
    total: number,
    { signal, onProgress, onRows }: ChunkOptions,
    work: ChunkedWork,
    { batch, program, writeTables }: { batch: number; program: Program; writeTables: (() => void) | undefined },
  ): Promise<Predictions> {
    const { plan } = program
    const widths = Object.values(plan.outputs).map(({ shape }) => sizeOf(shape) / batch)
    const width = widths.reduce((sum, part) => sum + part, 0)
    const joined = new Float32Array(total * width)
    const atOnce = this.device.runsAtOnce(program, Boolean(signal || onProgress))
    for (let first = 0; first < total; ) {
      signal?.throwIfAborted()
      const runs = Math.min(atOnce, Math.ceil((total - first) / batch))
      const start = first
      const results = await this.runAll(program, runs, (run) => work.inputs(start + run * batch, batch), writeTables)
      for (const outputs of results) {
        const count = Math.min(batch, total - first)
        let column = 0
        for (const [output, values] of Object.values(outputs).entries()) {
          for (let i = 0; i < count; i++)
            for (let c = 0; c < widths[output]; c++)
              joined[(first + i) * width + column + c] = values[i * widths[output] + c]
          column += widths[output]
        }
        first += count
      }
      onProgress?.(first, total)
      if (first === total) break
      await onRows?.({ data: joined.subarray(0, first * width), shape: [first, width] })
      await yieldToEvents()
    }
    const flops = plan.steps.reduce((sum, step) => sum + step.flops, 0) * Math.ceil(total / batch)
    return { data: joined, shape: [total, width], flops }
  }

  /**
   * The batch to cut work into: the smallest that holds all of it, or, if that were mostly empty, more than the device holds or than
   * its caches do, the next smaller one.
   */
  private planFor(total: number, work: ChunkedWork): { batch: number; plan: Plan } {
    const { maxBlockBytes } = this.device
    const batchSizes = this.network.isOneByOne ? [1] : this.batchesFor(total, work)
    let choice = batchSizes.findIndex((size) => size >= total)
    if (choice < 0) choice = batchSizes.length - 1
    if (choice > 0) {
      const [smaller, size] = batchSizes.slice(choice - 1)
      const isHalfEmpty = size === 2 * total && total <= fewRuns * smaller
      if (size > 2 * total || isHalfEmpty) choice--
    }
    for (; ; choice--) {
      const batch = batchSizes[choice]
      const plan = this.planOnce(`${work.key}:${batch}`, () => work.graph(batch))
      if (choice === 0 || plan.largestOperandBytes <= maxBlockBytes) return { batch, plan }
    }
  }

  /**
   * The device's batches whose arenas its caches hold beside the weights, and its smallest, whose plan tells how large the others' will be.
   * Weights that no cache holds take none of it: they are read once for each batch, and the more seldom the larger it is. What fits into the
   * smallest asks for no other.
   */
  private batchesFor(total: number, { key, isOccasional, graph }: ChunkedWork): readonly number[] {
    const { batchSizes, cachedBytes, fusions } = this.device
    const [least, ...others] = batchSizes
    if (cachedBytes === undefined || total <= least) return batchSizes
    // Where there is none that is run, a plan to look at: it prepares nothing, and is not kept.
    const planOfLeast = () =>
      this.plans.get(`${key}:${least}`) ?? makePlan(graph(least), fusions, this.newPreparedValues())
    const arena = this.leastArenas.get(key) ?? planOfLeast().spaces.arena
    if (!isOccasional) this.leastArenas.set(key, arena)
    const weights = 4 * this.parameterElements
    const kept = weights < cachedBytes ? weights : 0
    return [least, ...others.filter((batch) => (arena / least) * batch + kept <= cachedBytes)]
  }

  /** A graph's plan, made at its first use. */
  planOnce(key: string, graph: () => Graph): Plan {
    const plan = this.plans.get(key) ?? this.plan(graph())
    this.plans.set(key, plan)
    return plan
  }

  /** The plan of one prediction, with all that it prepares, whatever was planned before. */
  forwardPlan(batch: number): Plan {
    return makePlan(this.predictionGraph(batch), this.device.fusions, this.newPreparedValues())
  }

  private newPreparedValues(): PreparedValues {
    const { maxBlockBytes, arrangementOf } = this.device
    return new PreparedValues(parameterBlock, maxBlockBytes, arrangementOf)
  }

  /** The plan of one prediction, as text. */
  describe(batch: number): string {
    return describePlan(this.forwardPlan(batch))
  }

  dispose(): void {
    this.isDisposed = true
    for (const program of this.programs.values())
      program.then(
        (lowered) => lowered.dispose(),
        () => {},
      )
    for (const owned of this.owned) owned.dispose()
    this.programs.clear()
  }
}
