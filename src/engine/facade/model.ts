import { check, optionsOf, text } from '../arguments.ts'
import {
  type BlendedImages,
  type BlendOptions,
  type BlendRequest,
  blendedImages,
  blendOptions,
  blendRequest,
  checkBlendedImages,
  checkMasks,
} from '../blend/blend-request.ts'
import { predictBlended } from '../blend/predict-blended.ts'
import { type BlendTables, tabulateFactored } from '../blend/predict-factored.ts'
import type { Device, Measurement } from '../device.ts'
import { ArgumentError, LimelightError, ShapeError } from '../errors.ts'
import type { ModelOrigin, StatedImages } from '../formats/opened-model.ts'
import { operatorSummary } from '../formats/operators/operator-summary.ts'
import type { StoredModel } from '../formats/write-model.ts'
import { CompiledModel, type LongCallOptions, longCallOptions, type Predictions } from '../model/compiled.ts'
import { type GraphArchitecture, type GraphOptions, networkBetween } from '../model/graph.ts'
import { type LayerOutline, layersOf } from '../model/layered.ts'
import type { ActivationName } from '../model/layers/activations.ts'
import { only, type Parameter, trainableCount } from '../model/network.ts'
import { outputActivation } from '../model/output-activation.ts'
import { type ParameterValues, setParameters } from '../model/parameters.ts'
import { type Answers, type PictureConventions, type PictureNetwork, pictureNetwork } from '../model/picture-network.ts'
import { predict } from '../model/predict.ts'
import {
  countOf,
  type Labels,
  type Samples,
  type SamplesByInput,
  samplesByInput,
  type Targets,
} from '../model/samples.ts'
import type { Architecture } from '../model/sequential.ts'
import { graphSummary } from '../model/summary.ts'
import type { Plan } from '../plan/plan.ts'
import type { AbortSignal } from '../platform/types.ts'
import { formatShape, type Shape } from '../tensor.ts'
import { evaluate } from '../training/evaluate.ts'
import { type FitOptions, fitOptions, type History } from '../training/fit-options.ts'
import { checkObjective, checkTruth, type Scores } from '../training/objective.ts'
import {
  type BatchMeasurementOptions,
  batchOf,
  type CompileOptions,
  compileOptions,
  measurementOptions,
} from './options.ts'

/** The model's side of a device. */
interface Placed {
  readonly compiled: CompiledModel
  readonly options: CompileOptions
}

const predictOptions = optionsOf<LongCallOptions>(longCallOptions)

/**
 * A network, of layers or of a file's operators: Keras's Model. The weights live on the host, and on the device from compile() on, where fit()
 * changes them; the host's copy is brought up to date after every epoch, so that a lost device costs no more than one.
 *
 * It checks what it is given and has others do it. What few need, to train, to tune and to write files, is loaded when it is
 * asked for.
 */
export class Model {
  readonly seed: number
  /** None for a model whose file has operators instead: an ONNX model. */
  readonly layers: readonly LayerOutline[]
  /** On the host, under Keras's names: layer/kernel, layer/bias. */
  readonly weights: readonly Parameter[]
  /** What was known about the model when it was saved: the training's log, seed, recipe. */
  metadata: Record<string, string> = {}
  /** Where it comes from: the format of its file, say. null for a model that was made here. */
  origin: ModelOrigin | null = null
  /** What its file says of the pictures that it takes. */
  images: StatedImages = {}
  private placed: Placed | null = null

  /** Not for others: what is no network would fail far from here. */
  protected constructor(readonly network: StoredModel['network'] | PictureNetwork<StoredModel['network']>) {
    this.seed = 'architecture' in network ? network.architecture.seed : 0
    this.layers = 'calls' in network ? layersOf(network.calls) : []
    this.weights = network.parameters
  }

  /** A model of a network that there is already, with the weights of a file, say. @internal */
  static of(network: Model['network']): Model {
    return new Model(network)
  }

  /** What its layers are made from: plain data. null for a model whose file has operators instead. */
  get architecture(): Required<Architecture> | Required<GraphArchitecture> | null {
    return 'architecture' in this.network ? this.network.architecture : null
  }

  /** One sample, without the batch axis. @throws ArgumentError for a model of several inputs */
  get inputShape(): Shape {
    const [input, ...others] = this.network.inputs
    if (others.length === 0) return input.shape
    const names = this.network.inputs.map(({ name }) => name).join(', ')
    throw new ArgumentError(
      `the model has several inputs (${names}): predict(), evaluate() and fit() take samples by their names, but to explain a model it must have one, of images`,
    )
  }

  /** What one sample becomes, without the batch axis. @throws ArgumentError for a model of several outputs */
  get outputShape(): Shape {
    return only('outputs', this.network.outputs).shape
  }

  /** What it says of a picture, as forPictures was told: probabilities, those of two classes, [1 - p, p], or values of no class. */
  get answers(): Answers {
    return 'answers' in this.network ? this.network.answers : 'probabilities'
  }

  /** Numbers that training changes. */
  get parameterCount(): number {
    return trainableCount(this.network)
  }

  /**
   * The same model for pictures as they are here: values from 0 (black) to 1, [N, height, width, channels], in; probabilities out, or
   * values as they are where that is what its numbers are.
   * It shares the weights, and is put on a device by itself.
   * @throws ArgumentError for conventions that there are not, ShapeError for a network that takes no pictures, or does not answer with
   * one number a class
   */
  forPictures(conventions: PictureConventions): Model {
    const network = 'inner' in this.network ? this.network.inner : this.network
    return Model.of(pictureNetwork(network, conventions))
  }

  /** What makes the output: 'softmax' where it is probabilities. null where it is plain sums, or something else. */
  get outputActivation(): ActivationName | null {
    return outputActivation(this.network)
  }

  /** Keras's table of layers, output shapes and parameters, and of what graphs connect to what. */
  summary(): string {
    const network = 'inner' in this.network ? this.network.inner : this.network
    return 'calls' in network ? graphSummary(network) : operatorSummary(network)
  }

  /** Puts the model on a device, ready to predict, and with an optimizer to fit. A model can be compiled again, elsewhere. */
  async compile(options: CompileOptions): Promise<void> {
    check('compile', compileOptions, options)
    checkObjective('compile', options)
    this.dispose()
    this.placed = { compiled: new CompiledModel(this.network, options.device), options }
  }

  /**
   * Class probabilities (what the last layer gives) of samples [N, …inputShape]: [N, classes]. Several outputs stand side by side.
   * @param samples by the inputs' names, where the model has several
   * @throws ShapeError when the samples are of another shape
   */
  async predict(samples: Samples | SamplesByInput, options: LongCallOptions = {}): Promise<Predictions> {
    check('predict', predictOptions, options)
    return predict(this.onDevice('predict').compiled, samples, options)
  }

  /**
   * Class probabilities of perturbed images that never exist in memory: `count` mixtures of an image and its fudged copy.
   * What LIME asks a model.
   */
  async predictBlended(request: BlendRequest, options: BlendOptions = {}): Promise<Predictions> {
    check('predictBlended', blendRequest, request, 'request')
    check('predictBlended', blendOptions, options)
    checkBlendedImages('predictBlended', request, this.inputShape)
    checkMasks('predictBlended', request)
    return predictBlended(this.onDevice('predictBlended').compiled, request, options)
  }

  /**
   * The logits of all 2^segmentCount mixtures of an image and its fudged copy, as a sum of small tables: each pixel of the last
   * local layer sees a few segments only.
   * @returns null where the model is something else than local layers (residuals and branches are), a dense layer or the mean of each
   * channel and one, and a softmax (or one sigmoid, for two classes), or where too many segments meet in its receptive fields
   */
  async tabulateBlended(
    request: BlendedImages,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<BlendTables | null> {
    check('tabulateBlended', blendedImages, request, 'request')
    checkBlendedImages('tabulateBlended', request, this.inputShape)
    return tabulateFactored(this.onDevice('tabulateBlended').compiled, request, options)
  }

  /**
   * Mean loss and metrics on labelled samples. Labels are what the loss takes: class numbers, or targets of the output's shape.
   * @param samples by the inputs' names, where the model has several
   * @throws ShapeError, ArgumentError for samples or labels that do not fit
   */
  async evaluate(
    samples: Samples | SamplesByInput,
    labels: Labels | Targets,
    options: LongCallOptions = {},
  ): Promise<Scores> {
    check('evaluate', predictOptions, options)
    const { compiled, options: objective } = this.onDevice('evaluate')
    this.checkLabelled('evaluate', samples, labels)
    return evaluate(compiled, samples, labels, options, objective)
  }

  /**
   * Trains on labelled samples (class numbers or targets, as evaluate takes them), as Keras's fit: shuffled anew every epoch, the last batch smaller if need be.
   * An abort throws the signal's reason and leaves the model as the last whole step made it.
   * @param samples by the inputs' names, where the model has several
   * @throws TrainingDivergedError when a loss is no number any more; the model then has the last weights that gave one, of
   * those that the host had: an epoch's or a checkpoint's, or what it began with
   */
  async fit(samples: Samples | SamplesByInput, labels: Labels | Targets, options: FitOptions = {}): Promise<History> {
    check('fit', fitOptions, options)
    this.checkLabelled('fit', samples, labels)
    if (options.validationData) this.checkLabelled('fit', ...options.validationData, 'fit: validationData')
    // Nothing is waited for between looking at the model and marking it as trained: it can't be disposed of meanwhile.
    const { fit } = await import('../training/fit.ts')
    const { compiled, options: compiledWith } = this.onDevice('fit')
    const { optimizer } = compiledWith
    if (!optimizer)
      throw new LimelightError('fit: the model was compiled without an optimizer; compile it with one, say adam()')
    const moveTo = async (device: Device) => {
      await this.compile({ ...compiledWith, device })
      return this.onDevice('fit').compiled
    }
    return fit({ compiled, optimizer, objective: compiledWith, seed: this.seed, samples, labels, moveTo }, options)
  }

  /**
   * Finds out how the model's kernels run fastest on its device, for predictions, for explanations of images, and for
   * training by batches of this size if it was compiled with an optimizer. What is found serves what is compiled from now on,
   * and is remembered. Empty where the device has nothing to choose.
   */
  async tune(options: BatchMeasurementOptions = {}): Promise<readonly Measurement[]> {
    check('tune', measurementOptions, options)
    const { compiled, options: compiledWith } = this.onDevice('tune')
    const { tune } = await import('./tuning.ts')
    return tune(compiled, compiledWith, options)
  }

  /**
   * Where the time goes: measures each different step of a prediction for so many samples, and of a training step by them if the
   * model was compiled with an optimizer, alone and as it is run now. Empty where the device can't.
   */
  async profile(options: BatchMeasurementOptions = {}): Promise<readonly Measurement[]> {
    check('profile', measurementOptions, options)
    const { compiled, options: compiledWith } = this.onDevice('profile')
    const { profile } = await import('./tuning.ts')
    return profile(compiled, compiledWith, options)
  }

  /** The classes the last layer tells apart. */
  classes(caller: string): number {
    if (this.outputShape.length !== 1)
      throw new ShapeError(
        `${caller}: the model ends in ${formatShape(this.outputShape)}; expected one number a class, as dense() gives behind flatten() or a global pooling`,
      )
    return this.outputShape[0]
  }

  /** Replaces weights by name, on the host and on the device. @throws ShapeError when a name or a shape does not fit */
  setWeights(values: ParameterValues): void {
    setParameters(this.network, values)
    this.placed?.compiled.uploadWeights()
  }

  /**
   * Writes the model to a file (in Node), whole or not at all: weights and architecture as safetensors. In the browser,
   * modelToBytes(model) gives the bytes.
   * @throws FileWriteError when the file can't be written, LimelightError when a weight is not finite
   */
  async save(path: string): Promise<void> {
    check('save', text, path, 'path')
    const { saveModel } = await import('../formats/save-model.ts')
    await saveModel(path, this)
  }

  /** The plan of one forward pass, as text: steps, FLOPs, bytes. */
  describe(batch: number): string {
    check('describe', batchOf, batch, 'batch')
    return this.onDevice('describe').compiled.describe(batch)
  }

  /** The plan of one forward pass of so many samples on the model's device, as plain data. */
  plan(batch: number): Plan {
    check('plan', batchOf, batch, 'batch')
    return this.onDevice('plan').compiled.forwardPlan(batch)
  }

  /** Frees what the model holds on its device; the weights stay on the host. */
  dispose(): void {
    this.placed?.compiled.dispose()
    this.placed = null
  }

  private checkLabelled(
    caller: string,
    samples: Samples | SamplesByInput,
    labels: Labels | Targets,
    what = caller,
  ): void {
    const count = countOf(samplesByInput(what, samples, this.network.inputs))
    checkTruth(what, this.onDevice(caller).options, labels, count, this.outputShape)
  }

  private onDevice(caller: string): Placed {
    if (this.placed) return this.placed
    throw new LimelightError(
      `${caller}: the model is not on a device yet; call \`await model.compile({ device })\` first`,
    )
  }
}

/**
 * A network of what connects symbolic tensors: Keras's functional face.
 *
 *     const image = input({ shape: [28, 28, 1] })
 *     const x = image.through(conv2d({ filters: 8, kernelSize: 3, padding: 'same' }), batchNormalization(), activation('relu'))
 *     const y = add([x, image.through(conv2d({ filters: 8, kernelSize: 1 }))])
 *     const network = model({ inputs: image, outputs: y.through(flatten(), dense({ units: 10, activation: 'softmax' })) })
 *
 * Layers are numbered as Keras does, in the order in which they are needed. A layer that was used twice shares its weights. A model can be
 * a layer of another: `image.through(network)`, or `through([a, b], network)` where it has several inputs.
 * @throws ArgumentError where an output needs an input that is not listed, or an input leads nowhere
 */
export function model(options: GraphOptions): Model {
  return Model.of(networkBetween(options))
}
