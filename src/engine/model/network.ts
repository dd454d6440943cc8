import { ArgumentError } from '../errors.ts'
import { constant, type Resident, type Shape, sizeOf, type Tensor } from '../tensor.ts'
import type { Update } from '../updates/update.ts'

/**
 * A network: numbers that can be learned, and how an output is made of them and of an input. It is all that is known above
 * this file by whatever runs a network, trains it, explains it or writes it down; a stack of layers makes one, and so can
 * whatever reads a file.
 */
export interface Network {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** On the host. What is trained, and what is kept beside it: moving averages, say. */
  readonly parameters: readonly Parameter[]
  /** It is made for one sample: a graph of several is as many times that of one, and nothing is gained by it. */
  readonly isOneByOne?: boolean
  /**
   * The network as a graph, for a batch of any size.
   * @param tensors of the inputs, [N, …shape] each, in their order
   * @param weights where the parameters are, in their order
   */
  apply(tensors: readonly Tensor[], weights: readonly Resident[], context: NetworkContext): Applied
}

/** What goes in or comes out, by name; its shape is without the batch axis. */
export interface Port {
  readonly name: string
  readonly shape: Shape
}

export interface Parameter {
  readonly name: string
  readonly shape: Shape
  /** Row-major, brought up to date by training. */
  readonly data: Float32Array<ArrayBuffer>
  /** Whether an optimizer changes it. What is not trained may still change, by the network's own updates. */
  readonly trainable: boolean
}

/** What differs between training and use. */
export interface NetworkContext {
  readonly training: boolean
  /** The step's number, i32 [1]: what is random draws anew with each. */
  readonly position: Tensor
}

export interface Applied {
  /** [N, …shape] each, in the outputs' order. */
  readonly outputs: readonly Tensor[]
  /** Changes of parameters that are not trained, to be made with each training step. None outside training. */
  readonly updates: readonly Update[]
}

/** A network as it is used: not trained, and always at the same step. */
export const inUse: NetworkContext = { training: false, position: constant(0, [1], 'i32') }

/** The input of a network that has but one. @throws ArgumentError */
export function onlyInput({ inputs }: Network): Port {
  return only('inputs', inputs)
}

/** What there is one of, where the work at hand knows no more. @throws ArgumentError for several, or none */
export function only<T>(what: 'inputs' | 'outputs', all: readonly T[]): T {
  if (all.length !== 1) throw new ArgumentError(`the network has ${all.length} ${what}; expected one`)
  return all[0]
}

/** How many numbers an optimizer changes. */
export function trainableCount({ parameters }: Network): number {
  return parameters.reduce((total, { shape, trainable }) => total + (trainable ? sizeOf(shape) : 0), 0)
}
