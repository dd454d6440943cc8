import { check, orLeftOut, shown, thatIs, withFields } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { isShape, type Shape } from '../tensor.ts'
import { type LayeredNetwork, LayerNames, layeredNetwork, mostLayers, Room } from './layered.ts'
import type { CalledLayer } from './layers/layer.ts'
import { callLayer, type LayerDescription, layerNameOf } from './layers/registry.ts'

/** Networks that are layers one behind the other: Keras's Sequential. */

export interface SequentialOptions {
  /** One sample: [height, width, channels] for images. */
  readonly inputShape: Shape
  /** Decides the first weights, the order of training and dropout. 0 unless given. */
  readonly seed?: number
}

/** All that a stack of layers is made from, but for what it has learned. */
export interface Architecture extends SequentialOptions {
  readonly layers: readonly LayerDescription[]
}

export interface NamedLayer extends CalledLayer {
  /** Keras's: conv2d, conv2d_1, … */
  readonly name: string
}

/** A network and the layers that it is a stack of. */
export interface SequentialNetwork extends LayeredNetwork {
  readonly architecture: Required<Architecture>
  readonly layers: readonly NamedLayer[]
}

const sequentialOptions = withFields<SequentialOptions>({
  inputShape: thatIs<Shape>('a list of positive integers', Array.isArray),
  seed: orLeftOut(thatIs<number>('a whole number', Number.isSafeInteger)),
})

/**
 * A network of these layers, its weights new.
 * @throws ShapeError, ArgumentError when a layer does not fit what comes in
 */
export function sequentialNetwork(
  options: SequentialOptions,
  descriptions: readonly LayerDescription[],
): SequentialNetwork {
  check('sequential', sequentialOptions, options)
  const { inputShape, seed = 0 } = options
  const layers = stackLayers(inputShape, descriptions)
  const connections = {
    inputs: [{ name: 'x', shape: inputShape }],
    calls: layers.map((layer, i) => ({ name: layer.name, layer, inputs: [i] })),
    outputs: [{ name: 'y', tensor: layers.length }],
  }
  return { ...layeredNetwork(connections, seed), architecture: { inputShape, seed, layers: descriptions }, layers }
}

/**
 * Puts layers one behind the other and names them as Keras does. Nothing is reserved for their weights yet.
 * @throws ShapeError, ArgumentError when a layer does not fit what comes in
 */
export function stackLayers(inputShape: Shape, descriptions: readonly LayerDescription[]): NamedLayer[] {
  if (!isShape(inputShape) || inputShape.length === 0 || inputShape.includes(0))
    throw new ShapeError(`sequential: inputShape is ${shown(inputShape)}; expected a list of positive integers`)
  if (!Array.isArray(descriptions) || descriptions.length > mostLayers)
    throw new ArgumentError(
      `sequential: layers must be a list of at most ${mostLayers} layers, not ${shown(descriptions)}`,
    )
  const room = new Room()
  room.checkOutput('sequential: a sample', inputShape)
  const names = new LayerNames()
  let shape = inputShape
  return descriptions.map((description, index) => {
    const caller = `${layerNameOf(description) ?? 'sequential'} (layer ${index + 1})`
    const layer = callLayer(caller, description, [shape])
    room.checkOutput(`${caller}: its output`, layer.outputShape)
    room.addWeights(caller, layer.weights)
    shape = layer.outputShape
    return { ...layer, name: names.next(layer.type) }
  })
}
