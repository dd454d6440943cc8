import type { StatedImages } from '../../../engine/formats/opened-model.ts'
import type { ExplanationRequest, LabelMap, Timings } from '../../../lime/index.ts'
import type { Fit } from '../../photographs/framing.ts'
import type { PictureTask } from '../../tasks/picture-task.ts'
import type { ExplanationProgress, Flip, LabelExplanation } from './label-explanation.ts'
import type { PhotographSettings } from './photograph-settings.ts'
import type { PixelNumbers } from './pixel-numbers.ts'
import type { Side } from './side.ts'

/** What the page and its Worker say to each other about photographs: people's own networks, and people's own pictures. */

/** A network that can be chosen: the catalogue's, and what was opened here. */
export interface NetworkOffer {
  /** The catalogue's name for it; `file-` and the beginning of its SHA-256 for a file of one's own. */
  readonly id: string
  /** For people. */
  readonly title: string
  /** Of one that people know; null for a file of one's own. */
  readonly about: {
    readonly what: string
    readonly licence: string
    /** Where it is described. */
    readonly home: string
    /** What it comes from. */
    readonly server: string
  } | null
  readonly bytes: number
  /** Whether it is in this browser, beside the page, or has to come from elsewhere. */
  readonly place: 'here' | 'site' | 'elsewhere'
}

/** A network that was opened. Another object whenever something about it is another. */
export interface PhotographNetwork {
  readonly id: string
  readonly title: string
  readonly parameters: number
  /** How it takes pictures and what its answers mean, and where each is known from. */
  readonly task: PictureTask
  /** How it takes pixels, where somebody said it in numbers; null where not. */
  readonly pixels: PixelNumbers | null
  /** What its file does not say, and has to be known before it can be asked. */
  readonly unknown: readonly UnknownOfNetwork[]
  /** One a class; a class without a name is called by its number. */
  readonly classNames: readonly string[]
}

export type UnknownOfNetwork = 'preprocessing' | 'output'

/** Bytes of a download. */
export interface Fetched {
  readonly received: number
  readonly total: number
}

/** A picture as a canvas takes it. */
export interface Pixels {
  /** [height * width * 4], red, green, blue, opacity. */
  readonly data: Uint8ClampedArray<ArrayBuffer>
  readonly height: number
  readonly width: number
}

/** A photograph that was opened, for people. */
export interface Photograph {
  /** A first picture's name; `file-` and the beginning of its SHA-256 for one's own. */
  readonly id: string
  readonly name: string
  /** Of the picture itself. */
  readonly height: number
  readonly width: number
  /** The picture, made smaller where it is large. */
  readonly shown: Pixels
}

/** What is asked about a photograph. */
export interface PhotographQuestion {
  readonly network: string
  readonly photograph: string
  readonly fit: Fit
  /** A class that is explained beside the most probable ones. */
  readonly label: number | null
  readonly settings: PhotographSettings
  /** Segments that somebody drew on what the network sees of it, in the place of the settings'. */
  readonly own: LabelMap | null
}

/** Of a picture, in its pixels; the last two are the first that are beyond. */
export interface Bounds {
  readonly top: number
  readonly left: number
  readonly bottom: number
  readonly right: number
}

/** An explanation on the photograph itself. */
export interface PhotographResult {
  /** What was asked, with all that is usual. */
  readonly request: ExplanationRequest
  /** The picture, veiled where the network does not see it. */
  readonly pixels: Pixels
  /** What hidden segments show. */
  readonly hiddenPixels: Pixels
  /** [height * width] of these, by their ids: drawn ones keep theirs. -1 where the network does not see the picture. */
  readonly segments: Int32Array
  /** Where in these pixels it does. */
  readonly region: Bounds
  readonly segmentCount: number
  /** How many it took, the picture itself among them. */
  readonly samples: number
  /** Of a tenth of the samples: another, more exact one follows. */
  readonly isRough: boolean
  /** The most probable classes first, or the first values; and the one that was asked for. */
  readonly labels: readonly LabelExplanation[]
  readonly classNames: readonly string[]
  /** Of values always null. */
  readonly flip: Flip | null
  readonly warnings: readonly string[]
  readonly timings: Timings
}

export const photographFormats = [
  'overlay.png',
  'heatmap.png',
  'boundaries.png',
  'overlay.svg',
  'heatmap.svg',
  'explanation.json',
] as const
export type PhotographFormat = (typeof photographFormats)[number]

export interface PhotographApi {
  /** All networks that can be chosen. */
  offers(): Promise<readonly NetworkOffer[]>
  /** Opens one of them; it is downloaded where it has to be. A download under way for that side is stopped first. */
  openNetwork(side: Side, id: string, onFetched: (fetched: Fetched) => void): Promise<PhotographNetwork>
  /** Opens a network's file, or its several files; a list of class names (.txt) may be among them. */
  openNetworkFiles(files: readonly File[]): Promise<PhotographNetwork>
  /**
   * Takes what people say of a network's pictures and answers, in the place of what its file says.
   * @param pixels how it takes pixels in numbers, which come before all else; null for none
   */
  describeNetwork(id: string, said: StatedImages, pixels: PixelNumbers | null): Promise<PhotographNetwork>
  /** What a list of class names says: one name a line, or JSON. */
  readClassNames(file: File): Promise<readonly string[]>
  /** Opens a picture, of any format that the browser or our decoders know. */
  openPhotograph(picture: Blob, name: string, id: string | null): Promise<Photograph>
  /** The picture of one's own that was opened last, if it is this one; null where it is not kept. */
  keptPhotograph(id: string): Promise<Photograph | null>
  /** One number a class: probabilities, or values that are of no class. */
  predict(network: string, photograph: string, fit: Fit): Promise<Float32Array>
  /**
   * Explains what a network says of a photograph; a run of that side is stopped first.
   * @param onRough hears a first result
   */
  explain(
    side: Side,
    question: PhotographQuestion,
    onProgress: (progress: ExplanationProgress) => void,
    onRough: (rough: PhotographResult) => void,
  ): Promise<PhotographResult>
  /** What it says with these segments, by their ids, of that side's last explanation hidden. Fails when nothing is explained. */
  predictWithout(side: Side, hidden: readonly number[]): Promise<Float32Array>
  /** That side's explanation of a label as a file. @param title what it shows, for people who hear it */
  exported(side: Side, label: number, format: PhotographFormat, title: string): Promise<Blob>
  stop(run: PhotographRun): void
}

/** What can be stopped. */
export type PhotographRun = `network-${Side}` | `explain-${Side}`
