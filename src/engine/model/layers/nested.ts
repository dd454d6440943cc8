import { optionsOf, text } from '../../arguments.ts'
import { ArgumentError, ShapeError } from '../../errors.ts'
import { pcgHash } from '../../ops/random.ts'
import { formatShape, type Shape, sameShape } from '../../tensor.ts'
import {
  connectLayers,
  type GraphOf,
  graphEntries,
  type StackOf,
  stackConnections,
  stackEntries,
  stackLayers,
} from '../connections.ts'
import { applyCalls, type Connections, layerCountOf, layersOf, shapesOf, weightsOf } from '../layered.ts'
import type { CalledLayer, MergingKind } from './layer.ts'

/** Networks that are layers of others, with layers, names and weights of their own: Keras's models that are called on tensors. */

export interface ModelLayer<Layer> extends GraphOf<Layer> {
  readonly layer: 'model'
}

export interface SequentialLayer<Layer> extends StackOf<Layer> {
  readonly layer: 'sequential'
}

function asLayer(caller: string, type: string, connections: Connections, given: readonly Shape[]): CalledLayer {
  const { inputs, outputs, calls } = connections
  if (given.length !== inputs.length || inputs.some(({ shape }, i) => !sameShape(shape, given[i])))
    throw new ShapeError(
      `${caller}: the model takes ${inputs.map(({ name, shape }) => `${name} ${formatShape(shape)}`).join(', ')}, got ${given.map(formatShape).join(', ')}`,
    )
  if (outputs.length !== 1)
    throw new ArgumentError(`${caller}: the model has ${outputs.length} outputs; as a layer it must have one`)
  return {
    type,
    outputShape: shapesOf(connections)[outputs[0].tensor],
    weights: weightsOf(layersOf(calls)),
    layerCount: 1 + layerCountOf(calls),
    apply(tensors, weights, context) {
      // Another stream than that of the layers beside this one, whose seeds follow its own.
      const made = applyCalls(connections, tensors, weights, { ...context, seed: pcgHash(context.seed >>> 0) })
      return { output: made.outputs[0], changes: made.changes }
    },
  }
}

/** @internal */
export const modelKind: MergingKind<ModelLayer<unknown>> = {
  options: optionsOf<ModelLayer<unknown>>({ layer: text, ...graphEntries }, 'inputs', 'layers', 'calls', 'outputs'),
  takesOne: true,
  build: (caller, description, inputs, inner) =>
    asLayer(caller, 'Functional', connectLayers(description, inner, caller), inputs),
}

/** @internal */
export const sequentialKind: MergingKind<SequentialLayer<unknown>> = {
  options: optionsOf<SequentialLayer<unknown>>({ layer: text, ...stackEntries }, 'inputShape', 'layers'),
  takesOne: true,
  build: (caller, description, inputs, inner) =>
    asLayer(
      caller,
      'Sequential',
      stackConnections(description.inputShape, stackLayers(description, inner, caller)),
      inputs,
    ),
}
