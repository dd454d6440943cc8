import {
  abortSignal,
  callback,
  check,
  flag,
  isNumberArray,
  optionsOf,
  orLeftOut,
  shown,
  text,
  thatIs,
  wholeNumber,
  withFields,
} from '../arguments.ts'
import { type BlendTables, predictFactored, tabulateFactored } from '../blend/predict-factored.ts'
import type { Measurement, MeasurementOptions } from '../device.ts'
import { ArgumentError, LimelightError, ShapeError } from '../errors.ts'
import { modelToBytes } from '../formats/model-format.ts'
import { blendBySegments, packMasks } from '../ops/blend-by-segments.ts'
import { equal } from '../ops/elementwise.ts'
import { argMax } from '../ops/reduce.ts'
import { softmaxCrossEntropy } from '../ops/softmax-cross-entropy.ts'
import { makePlan, type Plan } from '../plan/plan.ts'
import type { Graph } from '../plan/trace.ts'
import { writeFileAtomically } from '../platform/atomic-write.ts'
import { isNode } from '../platform/node-module.ts'
import type { AbortSignal } from '../platform/types.ts'
import { formatShape, Input, isNumberList, isShape, type Shape, sameShape, sizeOf } from '../tensor.ts'
import { type FitOptions, fitModel, fitOptions, type History, trainingStepPlan } from '../training/fit.ts'
import {
  CompiledModel,
  type CompileOptions,
  compileOptions,
  type LongCallOptions,
  longCallOptions,
  type Predictions,
} from './compiled.ts'
import { initialize, seededRandom } from './initializers.ts'
import { type LayerDescription, type NamedLayer, stackLayers, weightsOf } from './layers.ts'
import { checkLabels, checkSamples, type Labels, type Samples, sampleReader } from './samples.ts'
import { summaryTable } from './summary.ts'

export interface SequentialOptions {
  /** One sample: [height, width, channels] for images. */
  readonly inputShape: Shape
  /** Decides the first weights, the order of training and dropout. 0 unless given. */
  readonly seed?: number
}

/** A weight on the host, under Keras's name: layer/kernel, layer/bias. */
export interface Weight {
  readonly name: string
  readonly shape: Shape
  readonly data: Float32Array<ArrayBuffer>
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

export interface BlendOptions extends LongCallOptions {
  /** Compute what samples have in common once, where that pays: the default. false: every sample by itself. */
  readonly factored?: boolean
}

export interface BatchMeasurementOptions extends MeasurementOptions {
  /** Samples of a training step. */
  readonly batchSize?: number
}

const sequentialOptions = withFields<SequentialOptions>({
  inputShape: thatIs<Shape>('a list of positive integers', Array.isArray),
  seed: orLeftOut(thatIs<number>('a whole number', Number.isSafeInteger)),
})

const predictOptions = optionsOf<LongCallOptions>(longCallOptions)
const blendOptions = optionsOf<BlendOptions>({ ...longCallOptions, factored: flag })

const arrayOf = (type: typeof Float32Array | typeof Int32Array | typeof Uint8Array) =>
  thatIs<InstanceType<typeof type>>(`a ${type.name}`, (value) => value instanceof type)

const pictures = {
  image: arrayOf(Float32Array),
  fudged: arrayOf(Float32Array),
  segments: arrayOf(Int32Array),
  segmentCount: wholeNumber(1),
}
const tabulateRequest = withFields<Omit<BlendRequest, 'masks' | 'count'>>(pictures)
const blendRequest = withFields<BlendRequest>({ ...pictures, masks: arrayOf(Uint8Array), count: wholeNumber(1) })

/** Samples of one pass, in one plan. */
const batchOf = wholeNumber(1, 2 ** 20)
const measurementOptions = optionsOf<BatchMeasurementOptions>({
  batchSize: batchOf,
  signal: abortSignal,
  onProgress: callback,
})

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
    check('sequential', sequentialOptions, options)
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
    check('compile', compileOptions, options)
    this.dispose()
    this.compiled = new CompiledModel(this, options)
  }

  /**
   * Class probabilities (what the last layer gives) of samples [N, …inputShape]: [N, classes].
   * @throws ShapeError when the samples are of another shape
   */
  async predict(samples: Samples, options: LongCallOptions = {}): Promise<Predictions> {
    check('predict', predictOptions, options)
    checkSamples('predict', samples, this.inputShape)
    const total = samples.shape[0]
    const read = sampleReader(samples)
    return this.onDevice('predict').inChunks(total, options, {
      key: 'predict',
      graph: predictionGraph,
      inputs: (first, batch) => ({ x: read(first, batch) }),
    })
  }

  /**
   * Class probabilities of perturbed images that never exist in memory: `count` mixtures of an image and its fudged copy.
   * What LIME asks a model.
   */
  async predictBlended(request: BlendRequest, options: BlendOptions = {}): Promise<Predictions> {
    check('predictBlended', blendRequest, request, 'request')
    check('predictBlended', blendOptions, options)
    const { image, fudged, segments, masks, count, segmentCount } = request
    this.checkBlend('predictBlended', request)
    if (masks.length !== count * segmentCount)
      throw new ShapeError(`predictBlended: ${masks.length} mask values; expected ${count} x ${segmentCount}`)
    const compiled = this.onDevice('predictBlended')
    // The reference device is there to compute every sample.
    if (options.factored !== false && compiled.device.info.kind !== 'reference') {
      const predictions = await predictFactored(compiled, request, options)
      if (predictions) return predictions
    }
    const words = Math.max(1, Math.ceil(segmentCount / 32))
    const packed = packMasks(masks, count, segmentCount)
    return compiled.inChunks(count, options, {
      key: `blend${words}`,
      graph: (model, batch) => blendGraph(model, batch, words),
      inputs: (first, batch) => {
        const chunk = new Int32Array(batch * words)
        chunk.set(packed.subarray(first * words, (first + batch) * words))
        return { image, fudged, segments, masks: chunk }
      },
    })
  }

  /**
   * The logits of all 2^segmentCount mixtures of an image and its fudged copy, as a sum of small tables: each pixel of the last
   * local layer sees a few segments only.
   * @returns null where the model is something else than convolutions, pooling and activations, a dense layer and a softmax (or one
   * sigmoid, for two classes), or where too many segments meet in its receptive fields
   */
  async tabulateBlended(
    request: Omit<BlendRequest, 'masks' | 'count'>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<BlendTables | null> {
    check('tabulateBlended', tabulateRequest, request, 'request')
    this.checkBlend('tabulateBlended', request)
    return tabulateFactored(this.onDevice('tabulateBlended'), request, options)
  }

  private checkBlend(
    caller: string,
    { image, fudged, segments, segmentCount }: Omit<BlendRequest, 'masks' | 'count'>,
  ): void {
    const pixels = this.inputShape[0] * this.inputShape[1]
    const size = sizeOf(this.inputShape)
    if (this.inputShape.length !== 3 || image.length !== size || fudged.length !== size || segments.length !== pixels)
      throw new ShapeError(
        `${caller}: image of ${image.length}, fudged of ${fudged.length} numbers, ${segments.length} segment labels; the model takes ${formatShape(this.inputShape)}`,
      )
    for (const [what, values] of Object.entries({ image, fudged }))
      if (!values.every(Number.isFinite)) {
        const strange = values.find((value) => !Number.isFinite(value))
        throw new ArgumentError(`${caller}: the ${what} holds ${strange}; expected finite numbers`)
      }
    const stray = segments.find((segment) => segment < 0 || segment >= segmentCount)
    if (stray !== undefined)
      throw new ArgumentError(`${caller}: a pixel is of segment ${stray}; expected 0 to ${segmentCount - 1}`)
  }

  /** Mean loss and accuracy on labelled samples. @throws ShapeError, ArgumentError for samples or labels that do not fit */
  async evaluate(
    samples: Samples,
    labels: Labels,
    options: LongCallOptions = {},
  ): Promise<{ loss: number; accuracy: number }> {
    check('evaluate', predictOptions, options)
    checkSamples('evaluate', samples, this.inputShape)
    const total = samples.shape[0]
    checkLabels('evaluate', labels, total, this.classes('evaluate'))
    const read = sampleReader(samples)
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
        return { x: read(first, batch), labels: chunk }
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
   * @throws TrainingDivergedError when a loss is no number any more; the model then has the last weights that gave one, of
   * those that the host had: an epoch's or a checkpoint's, or what it began with
   */
  async fit(samples: Samples, labels: Labels, options: FitOptions = {}): Promise<History> {
    check('fit', fitOptions, options)
    checkSamples('fit', samples, this.inputShape)
    checkLabels('fit', labels, samples.shape[0], this.classes('fit'))
    if (options.validationData) {
      const [heldOut, truth] = options.validationData
      checkSamples('fit: validationData', heldOut, this.inputShape)
      checkLabels('fit: validationData', truth, heldOut.shape[0], this.classes('fit'))
    }
    const compiled = this.onDevice('fit')
    return fitModel(this, compiled, samples, labels, options, async (device) => {
      await this.compile({ ...compiled.options, device })
      return this.onDevice('fit')
    })
  }

  /**
   * Finds out how the model's kernels run fastest on its device, for predictions, for explanations of images, and for
   * training by batches of this size if it was compiled with an optimizer. What is found serves what is compiled from now on,
   * and is remembered. Empty where the device has nothing to choose.
   */
  async tune(given: BatchMeasurementOptions = {}): Promise<readonly Measurement[]> {
    check('tune', measurementOptions, given)
    const { batchSize = 256, ...options } = given
    const compiled = this.onDevice('tune')
    const { device } = compiled
    if (!device.tune) return []
    // A software adapter would take minutes for its largest batch, and is full with less.
    const [smallest, small] = device.batchSizes
    const large = device.info.isFallbackAdapter ? small : Math.max(...device.batchSizes)
    const graphs = [predictionGraph(compiled, smallest), predictionGraph(compiled, large)]
    if (this.inputShape.length === 3) graphs.push(blendGraph(compiled, large, 1))
    return device.tune(plansToMeasure(compiled, graphs, batchSize), options)
  }

  /**
   * Where the time goes: measures each different step of a prediction for so many samples, and of a training step by them if the
   * model was compiled with an optimizer, alone and as it is run now. Empty where the device can't.
   */
  async profile(given: BatchMeasurementOptions = {}): Promise<readonly Measurement[]> {
    check('profile', measurementOptions, given)
    const { batchSize = 32, ...options } = given
    const compiled = this.onDevice('profile')
    const { device } = compiled
    if (!device.profile) return []
    return device.profile(plansToMeasure(compiled, [predictionGraph(compiled, batchSize)], batchSize), options)
  }

  /** The classes the last layer tells apart. */
  classes(caller: string): number {
    if (this.outputShape.length !== 1)
      throw new ShapeError(`${caller}: the model ends in ${formatShape(this.outputShape)}; expected one number a class`)
    return this.outputShape[0]
  }

  /** Replaces weights by name, on the host and on the device. @throws ShapeError when a name or a shape does not fit */
  setWeights(values: ReadonlyMap<string, { readonly shape: Shape; readonly data: ArrayLike<number> }>): void {
    if (!(values instanceof Map)) throw new ArgumentError(`setWeights: expected a Map by name, not ${shown(values)}`)
    const unknown: unknown = [...values.keys()].find((name) => this.weights.every((weight) => weight.name !== name))
    if (unknown !== undefined) throw new ShapeError(`setWeights: the model has no weight ${shown(unknown)}`)
    // All are looked at before any is changed.
    const given = this.weights.map(({ name, shape }) => {
      const value = values.get(name)
      if (!value) throw new ShapeError(`setWeights: "${name}" is missing; expected ${formatShape(shape)}`)
      if (!isNumberArray(value.data) && !isNumberList(value.data))
        throw new ArgumentError(`setWeights: "${name}" must be { shape, data }, not ${shown(value)}`)
      if (!isShape(value.shape) || sizeOf(shape) !== value.data.length || !sameShape(value.shape, shape))
        throw new ShapeError(
          `setWeights: "${name}" has ${value.data.length} numbers of shape ${shown(value.shape)}; expected ${formatShape(shape)}`,
        )
      return value
    })
    this.weights.forEach(({ data }, i) => data.set(given[i].data))
    this.compiled?.uploadWeights()
  }

  /**
   * Writes the model to a file (in Node), whole or not at all: weights and architecture as safetensors. In the browser,
   * modelToBytes(model) gives the bytes.
   * @throws FileWriteError when the file can't be written, LimelightError when a weight is not finite
   */
  async save(path: string): Promise<void> {
    check('save', text, path, 'path')
    if (!isNode)
      throw new LimelightError('save: there are no files in the browser; take the bytes of modelToBytes(model)')
    await writeFileAtomically(path, modelToBytes(this))
  }

  /** The plan of one forward pass, as text: steps, FLOPs, bytes. */
  describe(batch: number): string {
    check('describe', batchOf, batch, 'batch')
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

/** A stack of layers: `sequential({ inputShape: [28, 28, 1], seed: 1 }, [conv2d({ … }), flatten(), dense({ … })])`. */
export function sequential(options: SequentialOptions, layers: readonly LayerDescription[]): Sequential {
  return new Sequential(options, layers)
}

/** The graphs' plans, and a training step's of so many byte images. */
function plansToMeasure(compiled: CompiledModel, graphs: readonly Graph[], batch: number): Plan[] {
  const plans = graphs.map((graph) => makePlan(graph, compiled.device.fusions))
  const { optimizer } = compiled.options
  if (!optimizer) return plans
  const samples = { data: new Uint8Array(0), shape: [batch, ...compiled.model.inputShape] }
  const training = trainingStepPlan(compiled, optimizer, samples, batch)
  const { maxBlockBytes } = compiled.device
  // Refused at once, not after the predictions were measured.
  if (training.largestOperandBytes > maxBlockBytes)
    throw new ArgumentError(
      `batchSize ${batch}: a training step would need a block of ${training.largestOperandBytes} bytes; the device holds at most ${maxBlockBytes}`,
    )
  return [...plans, training]
}

/** x [batch, …inputShape] -> y [batch, classes]. */
function predictionGraph(model: CompiledModel, batch: number): Graph {
  return { outputs: { y: model.forward(new Input('x', [batch, ...model.model.inputShape])) } }
}

/** Mask bits [batch, words] of one image and its fudged copy -> y [batch, classes]. */
function blendGraph(model: CompiledModel, batch: number, words: number): Graph {
  const { inputShape } = model.model
  const pictures = [new Input('image', inputShape), new Input('fudged', inputShape)] as const
  const labels = new Input('segments', inputShape.slice(0, 2), 'i32')
  const x = blendBySegments(...pictures, labels, new Input('masks', [batch, words], 'i32'))
  return { outputs: { y: model.forward(x) } }
}
