import { writeFileAtomically } from './atomic-write.ts'
import type { Device, HostArray, Memory, Place, Program } from './device.ts'
import { ArgumentError, LimelightError, ShapeError } from './errors.ts'
import { type FitOptions, fitModel, type History } from './fit.ts'
import { initialize, seededRandom } from './initializers.ts'
import { type LayerContext, type LayerDescription, type NamedLayer, stackLayers, weightsOf } from './layers.ts'
import { modelToBytes } from './model-format.ts'
import { isNode } from './node-module.ts'
import { blendBySegments, packMasks } from './ops/blend-by-segments.ts'
import { equal } from './ops/elementwise.ts'
import { argMax } from './ops/reduce.ts'
import { softmaxOperation } from './ops/softmax.ts'
import { softmaxCrossEntropy } from './ops/softmax-cross-entropy.ts'
import type { Optimizer } from './optimizers.ts'
import { describePlan, makePlan, type Plan } from './plan.ts'
import { checkLabels, checkSamples, type Labels, type Samples, takeSamples } from './samples.ts'
import { summaryTable } from './summary.ts'
import {
  align,
  byteLengthOf,
  constant,
  formatShape,
  Input,
  Resident,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
} from './tensor.ts'
import type { Graph } from './trace.ts'
import { yieldToEvents } from './yield.ts'

export interface SequentialOptions {
  /** One sample: [height, width, channels] for images. */
  readonly inputShape: Shape
  /** Decides the first weights, the order of training and dropout. 0 unless given. */
  readonly seed?: number
}

export interface CompileOptions {
  readonly device: Device
  /** Needed for fit(). */
  readonly optimizer?: Optimizer
  /** The loss of evaluate() and fit(); the last layer must be a softmax. */
  readonly loss?: 'sparseCategoricalCrossentropy'
  readonly metrics?: readonly 'accuracy'[]
}

/** A weight on the host, under Keras's name: layer/kernel, layer/bias. */
export interface Weight {
  readonly name: string
  readonly shape: Shape
  readonly data: Float32Array<ArrayBuffer>
}

export interface LongCallOptions {
  /** Stops the call, which then throws the signal's reason; the next call works. */
  readonly signal?: AbortSignal
  /** Samples done so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void
}

export interface Predictions {
  /** [N, classes], row-major. */
  readonly data: Float32Array<ArrayBuffer>
  readonly shape: readonly [number, number]
}

/** Perturbed images by their recipe; see blendBySegments. */
export interface BlendRequest {
  /** [H·W·C], as is `fudged`. */
  readonly image: Float32Array
  readonly fudged: Float32Array
  /** [H·W], labels from 0. */
  readonly segments: Int32Array
  /** [count, segmentCount] of 0 and 1. */
  readonly masks: Uint8Array
  readonly count: number
  readonly segmentCount: number
}

/** Batch sizes that predictions are planned for: the smallest that holds all samples, else chunks of the largest. */
const batchSizes = [1, 16, 128]

/** The block of residents that holds the weights, one behind the other, each at a multiple of 256 bytes. */
export const parameterBlock = 'parameters'

/**
 * A stack of layers: Keras's Sequential. The weights live on the host, and on the device from compile() on, where fit()
 * changes them; the host's copy is brought up to date after every epoch, so that a lost device costs no more than one.
 */
export class Sequential {
  readonly inputShape: Shape
  readonly outputShape: Shape
  readonly seed: number
  readonly layers: readonly NamedLayer[]
  readonly weights: readonly Weight[]
  /** What was known about the model when it was saved: the training's log, seed, recipe. */
  metadata: Record<string, string> = {}
  private compiled: CompiledModel | null = null

  constructor(
    options: SequentialOptions,
    readonly descriptions: readonly LayerDescription[],
  ) {
    this.inputShape = options.inputShape
    this.seed = options.seed ?? 0
    this.layers = stackLayers(this.inputShape, descriptions)
    this.outputShape = this.layers[this.layers.length - 1]?.outputShape ?? this.inputShape
    this.weights = weightsOf(this.layers).map(({ name, shape, initializer }) => {
      const data = initialize(initializer, shape, seededRandom(this.seed, name))
      return { name, shape, data }
    })
  }

  /** Numbers that training changes. */
  get parameterCount(): number {
    return this.weights.reduce((total, { shape }) => total + sizeOf(shape), 0)
  }

  /** Keras's table of layers, output shapes and parameters. */
  summary(): string {
    return summaryTable(this.layers)
  }

  /** Puts the model on a device, ready to predict, and with an optimizer to fit. A model can be compiled again, elsewhere. */
  async compile(options: CompileOptions): Promise<void> {
    this.dispose()
    this.compiled = new CompiledModel(this, options)
  }

  /**
   * Class probabilities (what the last layer gives) of samples [N, …inputShape]: [N, classes].
   * @throws ShapeError when the samples are of another shape
   */
  async predict(samples: Samples, options: LongCallOptions = {}): Promise<Predictions> {
    checkSamples('predict', samples, this.inputShape)
    const total = samples.shape[0]
    return this.onDevice('predict').inChunks(total, options, {
      key: 'predict',
      graph: (model, batch) => ({ outputs: { y: model.forward(new Input('x', [batch, ...this.inputShape])) } }),
      inputs: (first, batch) => ({ x: takeSamples(samples, first, batch) }),
    })
  }

  /**
   * Class probabilities of perturbed images that never exist in memory: `count` mixtures of an image and its fudged copy.
   * What LIME asks a model.
   */
  async predictBlended(request: BlendRequest, options: LongCallOptions = {}): Promise<Predictions> {
    const { image, fudged, segments, masks, count, segmentCount } = request
    const pixels = this.inputShape[0] * this.inputShape[1]
    const size = sizeOf(this.inputShape)
    if (this.inputShape.length !== 3 || image.length !== size || fudged.length !== size || segments.length !== pixels)
      throw new ShapeError(
        `predictBlended: image of ${image.length}, fudged of ${fudged.length} numbers, ${segments.length} segment labels; the model takes ${formatShape(this.inputShape)}`,
      )
    if (masks.length !== count * segmentCount)
      throw new ShapeError(`predictBlended: ${masks.length} mask values; expected ${count} x ${segmentCount}`)
    const words = Math.max(1, Math.ceil(segmentCount / 32))
    const packed = packMasks(masks, count, segmentCount)
    return this.onDevice('predictBlended').inChunks(count, options, {
      key: `blend${words}`,
      graph: (model, batch) => {
        const pictures = [new Input('image', this.inputShape), new Input('fudged', this.inputShape)] as const
        const labels = new Input('segments', this.inputShape.slice(0, 2), 'i32')
        const x = blendBySegments(...pictures, labels, new Input('masks', [batch, words], 'i32'))
        return { outputs: { y: model.forward(x) } }
      },
      inputs: (first, batch) => {
        const chunk = new Int32Array(batch * words)
        chunk.set(packed.subarray(first * words, (first + batch) * words))
        return { image, fudged, segments, masks: chunk }
      },
    })
  }

  /** Mean loss and accuracy on labelled samples. @throws ShapeError, ArgumentError for samples or labels that do not fit */
  async evaluate(
    samples: Samples,
    labels: Labels,
    options: LongCallOptions = {},
  ): Promise<{ loss: number; accuracy: number }> {
    checkSamples('evaluate', samples, this.inputShape)
    const total = samples.shape[0]
    checkLabels('evaluate', labels, total, this.classes('evaluate'))
    const results = await this.onDevice('evaluate').inChunks(total, options, {
      key: 'evaluate',
      graph: (model, batch) => {
        const [x, y] = [new Input('x', [batch, ...this.inputShape]), new Input('labels', [batch], 'i32')]
        const logits = model.logits(x, false)
        return { outputs: { loss: softmaxCrossEntropy(logits, y), hit: equal(argMax(logits), y) } }
      },
      inputs: (first, batch) => {
        const chunk = new Int32Array(batch)
        for (let i = 0; i < Math.min(batch, total - first); i++) chunk[i] = labels[first + i]
        return { x: takeSamples(samples, first, batch), labels: chunk }
      },
    })
    let loss = 0
    let hits = 0
    for (let i = 0; i < total; i++) {
      loss += results.data[2 * i]
      hits += results.data[2 * i + 1]
    }
    return { loss: loss / total, accuracy: hits / total }
  }

  /**
   * Trains on labelled samples, as Keras's fit: shuffled anew every epoch, the last batch smaller if need be.
   * An abort throws the signal's reason and leaves the model as the last whole step made it.
   */
  async fit(samples: Samples, labels: Labels, options: FitOptions = {}): Promise<History> {
    checkSamples('fit', samples, this.inputShape)
    checkLabels('fit', labels, samples.shape[0], this.classes('fit'))
    if (options.validationData) {
      const [heldOut, truth] = options.validationData
      checkSamples('fit: validationData', heldOut, this.inputShape)
      checkLabels('fit: validationData', truth, heldOut.shape[0], this.classes('fit'))
    }
    return fitModel(this, this.onDevice('fit'), samples, labels, options)
  }

  /** The classes the last layer tells apart. */
  classes(caller: string): number {
    if (this.outputShape.length !== 1)
      throw new ShapeError(`${caller}: the model ends in ${formatShape(this.outputShape)}; expected one number a class`)
    return this.outputShape[0]
  }

  /** Replaces weights by name, on the host and on the device. @throws ShapeError when a name or a shape does not fit */
  setWeights(values: ReadonlyMap<string, { readonly shape: Shape; readonly data: ArrayLike<number> }>): void {
    const unknown = [...values.keys()].find((name) => this.weights.every((weight) => weight.name !== name))
    if (unknown !== undefined) throw new ShapeError(`setWeights: the model has no weight "${unknown}"`)
    // All are looked at before any is changed.
    const given = this.weights.map(({ name, shape }) => {
      const value = values.get(name)
      if (!value) throw new ShapeError(`setWeights: "${name}" is missing; expected ${formatShape(shape)}`)
      if (sizeOf(shape) !== value.data.length || !sameShape(value.shape, shape))
        throw new ShapeError(
          `setWeights: "${name}" has shape ${formatShape(value.shape)}; expected ${formatShape(shape)}`,
        )
      return value
    })
    this.weights.forEach(({ data }, i) => data.set(given[i].data))
    this.compiled?.uploadWeights()
  }

  /**
   * Writes the model to a file (in Node), whole or not at all: weights and architecture as safetensors. In the browser,
   * modelToBytes(model) gives the bytes.
   */
  async save(path: string): Promise<void> {
    if (!isNode)
      throw new LimelightError('save: there are no files in the browser; take the bytes of modelToBytes(model)')
    await writeFileAtomically(path, modelToBytes(this))
  }

  /** The plan of one forward pass, as text: steps, FLOPs, bytes. */
  describe(batch: number): string {
    return this.onDevice('describe').describe(batch)
  }

  /** Frees what the model holds on its device; the weights stay on the host. */
  dispose(): void {
    this.compiled?.dispose()
    this.compiled = null
  }

  private onDevice(caller: string): CompiledModel {
    if (this.compiled) return this.compiled
    throw new LimelightError(
      `${caller}: the model is not on a device yet; call \`await model.compile({ device })\` first`,
    )
  }
}

interface ChunkedWork {
  /** Names the graph: programs are kept by it and by batch size. */
  readonly key: string
  graph(model: CompiledModel, batch: number): Graph
  inputs(first: number, batch: number): Readonly<Record<string, HostArray>>
}

/** A model's side of a device: its weights' memory and its programs. */
export class CompiledModel {
  readonly device: Device
  readonly parameters: readonly Resident[]
  readonly parameterMemory: Memory
  /** Elements of the parameter block, padding included. */
  readonly parameterElements: number
  /** Being trained by a call of fit(): two at once would share one optimizer. */
  isTraining = false
  private readonly programs = new Map<string, Promise<Program>>()
  private readonly owned: { dispose(): void }[] = []
  private isDisposed = false
  private turn: Promise<unknown> = Promise.resolve()

  constructor(
    readonly model: Sequential,
    readonly options: CompileOptions,
  ) {
    this.device = options.device
    let offset = 0
    this.parameters = model.weights.map(({ shape }) => {
      const parameter = new Resident(parameterBlock, offset, shape)
      offset += align(byteLengthOf(parameter))
      return parameter
    })
    this.parameterElements = offset / 4
    this.parameterMemory = this.device.allocate('f32', this.parameterElements)
    this.owned.push(this.parameterMemory)
    this.uploadWeights()
  }

  uploadWeights(): void {
    this.model.weights.forEach(({ data }, i) => {
      this.device.write(this.parameterMemory, data, this.parameters[i].offset)
    })
  }

  /** Brings the host's weights up to date. */
  async downloadWeights(): Promise<void> {
    const shape = [this.parameterElements]
    const place: Place = { memory: this.parameterMemory, operand: { shape, dtype: 'f32', offset: 0 } }
    const values = await this.exclusive(() => this.device.read(place))
    this.model.weights.forEach(({ data }, i) => {
      const first = this.parameters[i].offset / 4
      data.set(values.subarray(first, first + data.length))
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

  /** Memory that lives as long as the compiled model. */
  own<T extends { dispose(): void }>(owned: T): T {
    this.owned.push(owned)
    return owned
  }

  forward(x: Tensor, context?: Partial<LayerContext>): Tensor {
    const whole: LayerContext = {
      training: false,
      position: constant(0, [1], 'i32'),
      seed: this.model.seed,
      ...context,
    }
    let next = 0
    return this.model.layers.reduce((value, layer, index) => {
      const weights = this.parameters.slice(next, next + layer.weights.length)
      next += layer.weights.length
      return layer.apply(value, weights, { ...whole, seed: whole.seed + index })
    }, x)
  }

  /** What the last layer's softmax is given: losses are computed from it. */
  logits(x: Tensor, training: boolean, position?: Tensor): Tensor {
    const output = this.forward(x, { training, ...(position && { position }) })
    if (output.operation.name !== softmaxOperation.name)
      throw new ArgumentError('sparseCategoricalCrossentropy: the last layer must have the activation softmax')
    return output.inputs[0]
  }

  /** A program for this graph, lowered once. */
  program(key: string, plan: () => Plan): Promise<Program> {
    const known = this.programs.get(key)
    if (known) return known
    const program = this.device.lower(plan(), { [parameterBlock]: this.parameterMemory })
    this.programs.set(key, program)
    // A plan that was refused (out of memory, say) may be tried again.
    program.catch(() => this.programs.delete(key))
    return program
  }

  /** Runs work over `total` samples in chunks and joins the results: outputs side by side in one row a sample. */
  async inChunks(total: number, { signal, onProgress }: LongCallOptions, work: ChunkedWork): Promise<Predictions> {
    const batch = batchSizes.find((size) => size >= total) ?? batchSizes[batchSizes.length - 1]
    const program = await this.program(`${work.key}:${batch}`, () =>
      makePlan(work.graph(this, batch), this.device.fusions),
    )
    const widths = Object.values(program.plan.outputs).map(({ shape }) => sizeOf(shape) / batch)
    const width = widths.reduce((sum, part) => sum + part, 0)
    const joined = new Float32Array(total * width)
    for (let first = 0; first < total; first += batch) {
      signal?.throwIfAborted()
      const results = await this.exclusive(async () => {
        await this.device.run(program, work.inputs(first, batch))
        return Promise.all(Object.values(program.outputs).map((place) => this.device.read(place)))
      })
      const count = Math.min(batch, total - first)
      let column = 0
      for (const [output, values] of results.entries()) {
        for (let i = 0; i < count; i++)
          for (let c = 0; c < widths[output]; c++)
            joined[(first + i) * width + column + c] = values[i * widths[output] + c]
        column += widths[output]
      }
      onProgress?.(first + count, total)
      if (first + batch < total) await yieldToEvents()
    }
    return { data: joined, shape: [total, width] }
  }

  describe(batch: number): string {
    const graph = { outputs: { y: this.forward(new Input('x', [batch, ...this.model.inputShape])) } }
    return describePlan(makePlan(graph, this.device.fusions))
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

/** A stack of layers: `sequential({ inputShape: [28, 28, 1], seed: 1 }, [conv2d({ … }), flatten(), dense({ … })])`. */
export function sequential(options: SequentialOptions, layers: readonly LayerDescription[]): Sequential {
  return new Sequential(options, layers)
}
