import type { ProxyMarked } from 'comlink'
import type { BatchLog, DeviceKind, EpochLog } from '../../../engine/index.ts'
import type {
  ExplanationRequest,
  Faithfulness,
  RequestInput,
  SegmentWeight,
  Stability,
  Timings,
} from '../../../lime/index.ts'
import type { ImageSet } from '../../data/image-set.ts'
import type { NetworkName as RecipeName } from '../../networks/recipes.ts'
import type { Evaluation } from '../../tasks/evaluation.ts'
import type { AverageEvidence } from './evidence-cells.ts'
import type {
  ExplanationProgress,
  Flip,
  LabelExplanation,
  ShapleyEvidence,
  SurrogateEvidence,
} from './label-explanation.ts'
import type { LayerChoice } from './layer-stack.ts'
import type { PhotographApi } from './photograph-api.ts'
import type { Side } from './side.ts'

/** What the page and its Worker say to each other. Pictures cross as bytes of the task's size, 0 (black) to 255. */

export const deviceChoices = ['auto', 'webgpu', 'cpu'] as const
export type DeviceChoice = (typeof deviceChoices)[number]

export interface DeviceStatus {
  /** What computes now. */
  readonly kind: DeviceKind
  readonly adapter: string
  /** What was asked for; where that failed, what computes in its place. */
  readonly choice: DeviceChoice
  /** Why it is this device, where that is not plain. */
  readonly reason: string | null
  /** What went wrong on the way here: something else was asked for, or the last device was lost. */
  readonly problem: string | null
}

/** The networks that come with the page. The first answers unless another is asked for. */
export const shippedNetworks = ['tutorial', 'resnet'] as const
export type ShippedNetwork = (typeof shippedNetworks)[number]

/** These, and the one that was trained or opened here. */
export const networkNames = [...shippedNetworks, 'own'] as const
export type NetworkName = (typeof networkNames)[number]

/** The network of one's own, for people. A new one, or new weights, make a new object. */
export interface OwnNetwork {
  /** How it came about. */
  readonly title: string
  readonly parameters: number
  readonly classNames: readonly string[]
  /** Whether it is being trained now. */
  readonly isTraining: boolean
  /** What the browser says where it can't keep it until the next visit: its disk is full, say. null where it keeps it. */
  readonly whyNotKept: string | null
}

export interface ExplanationResult {
  /** What was asked, with all that is usual. */
  readonly request: ExplanationRequest
  /** [height * width], labels from 0. */
  readonly segments: Int32Array
  readonly segmentCount: number
  /** [height * width] bytes: what a hidden segment shows. */
  readonly hiddenPixels: Uint8Array
  /** How many it took, the picture itself among them. */
  readonly samples: number
  /** Every class, most probable first. */
  readonly labels: readonly LabelExplanation[]
  /** What the network's classes are called. */
  readonly classNames: readonly string[]
  /** The segment without which alone the network says something else. */
  readonly flip: Flip | null
  readonly warnings: readonly string[]
  readonly timings: Timings
}

export const exportFormats = [
  'overlay.png',
  'heatmap.png',
  'boundaries.png',
  'panels-for.png',
  'panels-against.png',
  'overlay.svg',
  'heatmap.svg',
  'explanation.json',
] as const
export type ExportFormat = (typeof exportFormats)[number]

/** Of which picture a file is. */
export interface ExportSubject {
  /** What a picture shows, for people who hear it. */
  readonly title: string
  /** Among the test images, and its true label. */
  readonly index?: number
  readonly label?: number
}

/** What every training has. */
interface TrainingCourse {
  readonly batchSize: number
  readonly epochs: number
  /** Of the training images, the first so many. */
  readonly images: number
  readonly seed: number
}

/** A stack of layers that people put together, trained by Adam. */
export interface LayersRecipe extends TrainingCourse {
  readonly layers: readonly LayerChoice[]
  readonly learningRate: number
}

/** A network that has a recipe of its own, which says how it is trained, too. */
export interface NamedRecipe extends TrainingCourse {
  readonly network: RecipeName
}

/** What is trained, on what, and how. */
export type TrainingRecipe = LayersRecipe | NamedRecipe

/** Which network a recipe trains. */
export type NetworkChoice = LayersRecipe['layers'] | NamedRecipe['network']

/** What is known of a network before it is trained. */
export interface NetworkOutline {
  /** Why it is no network; null where it is one. */
  readonly problem: string | null
  /** Numbers that training changes. */
  readonly parameters: number
  /** All layers, those too that nobody chose. */
  readonly layers: readonly LayerRow[]
}

export interface LayerRow {
  /** Of a stack's layer its type, of a graph's its name. */
  readonly title: string
  readonly outputShape: readonly number[]
  readonly parameters: number
  /** Titles of what it takes, where that is not the one row before it alone. */
  readonly takes: readonly string[]
}

/** A step, as the curves show it. */
export type TrainingPoint = Pick<BatchLog, 'epoch' | 'step' | 'steps' | 'batchLoss' | 'loss' | 'accuracy' | 'msPerStep'>

/** A picture that is watched while the network learns, explained as it is then. */
export interface WatchedPicture {
  readonly index: number
  readonly predicted: number
  readonly probability: number
  /** Of its true class. */
  readonly trueProbability: number
  readonly segments: Int32Array
  /** For its true class. */
  readonly weights: readonly SegmentWeight[]
}

export interface WatchedMoment {
  readonly epoch: number
  readonly step: number
  readonly pictures: readonly WatchedPicture[]
}

/** Where the training images came from: the site, this browser, or the page itself. */
export interface TrainingSource {
  readonly kind: 'site' | 'kept' | 'built-in'
  readonly count: number
  /** Why it is no more than what is built in. */
  readonly reason: string | null
  /** Images that it is validated on: test images. */
  readonly validation: number
}

export type TrainingEvent =
  | { readonly kind: 'fetching'; readonly received: number; readonly total: number | null }
  | { readonly kind: 'began'; readonly recipe: TrainingRecipe; readonly source: TrainingSource }
  | { readonly kind: 'steps'; readonly points: readonly TrainingPoint[] }
  | { readonly kind: 'validating'; readonly epoch: number }
  | { readonly kind: 'epoch'; readonly log: EpochLog }
  /** The device was lost: it goes on from here, and what came later never was. */
  | { readonly kind: 'back'; readonly epoch: number; readonly step: number }
  | { readonly kind: 'paused'; readonly epoch: number; readonly step: number }
  | { readonly kind: 'watched'; readonly moment: WatchedMoment }
  /** Something that does not end it: it moved to another device, or can't be kept. */
  | { readonly kind: 'note'; readonly text: string }

/** A training that was cut off, by a reload or a crash. */
export interface InterruptedTraining {
  readonly recipe: TrainingRecipe
  readonly epoch: number
  readonly step: number
  readonly log: readonly EpochLog[]
  readonly points: readonly TrainingPoint[]
}

export interface Loaded {
  readonly images: ImageSet
  readonly interrupted: InterruptedTraining | null
}

export type {
  AverageEvidence,
  Evaluation,
  ExplanationProgress,
  ImageSet,
  LabelExplanation,
  ShapleyEvidence,
  SurrogateEvidence,
}

/** What can be stopped. */
export type RunName = 'explain-left' | 'explain-right' | 'judge' | 'average' | 'train'

/** What the Worker tells without being asked. */
export interface EngineListener {
  /** At once, and every second until there is a device: see worker/pulse.ts. */
  onAlive(): void
  onDevice(status: DeviceStatus): void
  /** null: there is none (any more). */
  onOwnNetwork(network: OwnNetwork | null): void
}

type Progress = (done: number, total: number) => void

/** All runs that are stopped fail with an AbortError. */
export interface EngineApi {
  /**
   * Loads the tutorial's network and the test images, and opens a device. Other networks are loaded when they are asked for.
   * @param base the page's address
   */
  load(base: string, choice: DeviceChoice, listener: EngineListener): Promise<Loaded>
  /** Moves the networks to another device. Where that fails, what works computes on, and the status says why. */
  useDevice(choice: DeviceChoice): Promise<DeviceStatus>
  /** One probability a class. */
  predict(network: NetworkName, pixels: Uint8Array): Promise<Float32Array>
  /** Explains a picture as the request says; a run of that side is stopped first. */
  explain(
    side: Side,
    network: NetworkName,
    pixels: Uint8Array,
    request: RequestInput,
    onProgress: (progress: ExplanationProgress) => void,
  ): Promise<ExplanationResult>
  /**
   * The probabilities of the picture that side explained last, with these of its segments hidden as its samples hid them.
   * Fails when nothing is explained.
   */
  predictWithout(side: Side, hidden: readonly number[]): Promise<Float32Array>
  /** How true that side's explanation is: segments hidden, and shown, in the order of their weights. */
  faithfulness(side: Side, label: number): Promise<Faithfulness>
  /** How much other seeds would change it. */
  stability(side: Side, label: number): Promise<Stability>
  /** That side's explanation of a label as a file. */
  exported(side: Side, label: number, format: ExportFormat, subject: ExportSubject): Promise<Blob>
  /** Predicts all test images and compares. */
  judge(network: NetworkName, onProgress: Progress): Promise<Evaluation>
  /** What counts as evidence for each class, on average over test images. */
  averageEvidence(network: NetworkName, onProgress: Progress): Promise<AverageEvidence>
  /** How many of the test images a network that comes with the page gets right, as its file says; null where it says nothing. */
  accuracy(network: ShippedNetwork): Promise<number | null>
  outline(choice: NetworkChoice): Promise<NetworkOutline>
  /**
   * Trains the network of one's own: a new one, or the interrupted one's rest. Resolves at its end. Stopped, the network stays
   * as it is then.
   */
  train(
    recipe: TrainingRecipe | 'interrupted',
    watched: readonly number[],
    onEvent: (event: TrainingEvent) => void,
  ): Promise<void>
  /** Of the training under way: holds it before its next step, lets it go on, or lets it do one step. */
  steer(how: 'pause' | 'resume' | 'step'): void
  /** A training that was cut off since, perhaps in another tab; null where none was. */
  findInterrupted(): Promise<InterruptedTraining | null>
  /** Forgets the interrupted training. */
  discardInterrupted(): Promise<void>
  /** The network of one's own as a safetensors file. */
  saveNetwork(): Promise<Blob>
  /**
   * Takes a network's file, or its several files, as the network of one's own, of any format. Fails, and changes nothing, where it is
   * not one for these pictures.
   */
  openNetwork(files: readonly File[]): Promise<void>
  /** Whether two requests ask the same of a picture, apart from seeds and from which classes are explained. */
  asksSame(one: RequestInput, other: RequestInput): Promise<boolean>
  /** What can be done with photographs. */
  photographs(): Promise<PhotographApi & ProxyMarked>
  stop(run: RunName): void
}
