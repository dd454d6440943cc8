import type { GraphNetwork } from '../model/graph.ts'
import type { OutputKind } from '../model/picture-network.ts'
import type { SequentialNetwork } from '../model/sequential.ts'
import type { Shape } from '../tensor.ts'
import type { OperatorNetwork } from './operators/operator-network.ts'

/** What a model's file holds, whatever its format. */
export interface OpenedModel {
  readonly network: SequentialNetwork | GraphNetwork | OperatorNetwork
  /** What else is known of it, the training's log and recipe, say. */
  readonly metadata: Readonly<Record<string, string>>
  readonly origin: ModelOrigin
  readonly images: StatedImages
}

/** Where a model comes from, for people. */
export interface ModelOrigin {
  /** 'ONNX' */
  readonly format: string
  /** What wrote the file: 'pytorch 1.13.1'. */
  readonly producer?: string
  /** Of its operators or its schema: 'opset 17'. */
  readonly version?: string
  /** Numbers that the file stores in another way than as 32-bit floats: 'float16', 'uint8 with scales'. */
  readonly storage?: string
}

/** What a file says, and where it says so: "the layer rescaling", "the file's metadata", "its labels beside it". */
export interface Stated<T> {
  readonly value: T
  readonly source: string
}

/** What a file says of the pictures that its network takes, and of its answers. What it does not say is left out, never guessed. */
export interface StatedImages {
  /** The order of an image's axes in the network's input. */
  readonly layout?: Stated<'NHWC' | 'NCHW'>
  /** The order of an image's colours. */
  readonly channels?: Stated<'rgb' | 'bgr' | 'grey'>
  /** The network takes (pixel from 0 to 255) x scale + offset: one number a channel, or one for all. */
  readonly preprocessing?: Stated<{ readonly scale: readonly number[]; readonly offset: readonly number[] }>
  readonly classNames?: Stated<readonly string[]>
  readonly output?: Stated<OutputKind>
}

export interface ReadOptions {
  /** Of one sample as the file has it, where the file leaves it open. */
  readonly inputShape?: Shape
}
