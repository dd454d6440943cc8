import type { Expected } from '../../arguments.ts'
import type { Resident, Shape, Tensor } from '../../tensor.ts'
import type { Initializer } from '../initializers.ts'
import type { NetworkContext } from '../network.ts'

/**
 * Keras's layers, in camelCase. A layer is a plain description (it is saved as it is); its kind looks at the shape that comes
 * in and says which weights it needs and how to apply it. A kind is one file in this folder and a row in registry.ts.
 * @internal
 */
export interface LayerKind<Description> {
  /** What the description may hold. */
  readonly options: Expected
  /**
   * Prepares a layer for inputs of this shape (without the batch axis).
   * @param caller begins the messages
   * @throws ShapeError, ArgumentError
   */
  build(caller: string, description: Description, input: Shape): BuiltLayer
}

/**
 * As LayerKind, for layers that make one tensor of several.
 * @internal
 */
export interface MergingKind<Description> {
  readonly options: Expected
  /** Whether they also take one, so that they may stand in a stack. No, unless given. */
  readonly takesOne?: true
  /**
   * @param inputs the shapes of at least two, or of one where the kind takes one
   * @param inner prepares the layers that this one is made of, where it is a network
   */
  build(caller: string, description: Description, inputs: readonly Shape[], inner: InnerLayers<unknown>): CalledLayer
}

/** What prepares layers: for networks, and for those that are layers themselves. */
export interface InnerLayers<Description> {
  /** @throws ShapeError, ArgumentError for what is no layer, or does not take these inputs */
  call(caller: string, description: Description, inputs: readonly Shape[]): CalledLayer
  /** What a description says that it is; null where that is no layer. */
  nameOf(description: Description): string | null
}

export interface WeightDescription {
  /** Keras's: kernel, bias, gamma, … */
  readonly name: string
  readonly shape: Shape
  readonly initializer: Initializer
  /** false for a layer's state, which no optimizer changes but the layer itself, by its updates. true unless given. */
  readonly trainable?: boolean
}

/** What differs between training and use. */
export interface LayerContext extends NetworkContext {
  /** The layer's own: two layers drop different inputs. */
  readonly seed: number
}

/** How a state changes with a step of training: from what it is then, which another call of the layer may have changed before. */
export interface StateChange {
  readonly state: Resident
  next(current: Tensor): Tensor
}

/** What a layer with a state makes in training: its output, and how the state changes with this step. */
export interface OutputWithChanges {
  readonly output: Tensor
  readonly changes: readonly StateChange[]
}

export interface BuiltLayer {
  /** As Keras shows it. */
  readonly type: string
  /** Without the batch axis. */
  readonly outputShape: Shape
  readonly weights: readonly WeightDescription[]
  apply(x: Tensor, weights: readonly Resident[], context: LayerContext): Tensor | OutputWithChanges
}

/** A layer of any number of inputs, prepared. */
export interface CalledLayer extends Omit<BuiltLayer, 'apply'> {
  /** Of a network that is a layer, it and those that it is made of: also one without layers takes a call. 1 unless given. */
  readonly layerCount?: number
  apply(inputs: readonly Tensor[], weights: readonly Resident[], context: LayerContext): ReturnType<BuiltLayer['apply']>
}

/** A layer of one input, as one of any number. */
export function ofOneInput({ type, outputShape, weights, apply }: BuiltLayer): CalledLayer {
  return { type, outputShape, weights, apply: ([x], own, context) => apply(x, own, context) }
}

/** A layer that only computes. */
export function withoutWeights(type: string, outputShape: Shape, apply: BuiltLayer['apply']): BuiltLayer {
  return { type, outputShape, weights: [], apply }
}

/** The bias that a layer of so many outputs has unless it is told otherwise. */
export function withBias(useBias: boolean | undefined, size: number): WeightDescription[] {
  return useBias === false ? [] : [{ name: 'bias', shape: [size], initializer: 'zeros' }]
}
