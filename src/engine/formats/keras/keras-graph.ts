import { shown } from '../../arguments.ts'
import { FormatError, LimelightError, type UnsupportedOperator } from '../../errors.ts'
import type { GraphArchitecture } from '../../model/graph.ts'
import { type AnyLayerDescription, callLayer } from '../../model/layers/registry.ts'
import type { Port } from '../../model/network.ts'
import type { Shape } from '../../tensor.ts'
import { type Call, type KerasLayer, type KerasModel, type Reference, referencesIn } from './keras-config.ts'
import { closedShape, LayerOptions, Unsupported } from './layer-options.ts'
import { converters } from './layers.ts'
import { inTodaysNames } from './old-names.ts'

/** A Keras model as a graph of our layers, under their own names. */

export interface GraphReading {
  readonly version: number
  /** Of one sample, where the file leaves it open. */
  readonly inputShape: Shape | undefined
  /** All that can't be done, of this model and those in it. */
  readonly problems: UnsupportedOperator[]
  /** How many layers have been called, those of models that are layers each time. */
  called: number
}

interface Part {
  readonly name: string
  readonly description: AnyLayerDescription
}

type Layers = Record<string, AnyLayerDescription>

/** A tensor of the graph: its number, and its shape where that is known. */
interface Made {
  readonly tensor: number
  readonly shape: Shape | null
}

const mostCalls = 10_000

/**
 * @param given shapes of what the model is called with, where it is a layer
 * @throws FormatError where layers do not fit together
 */
export function graphOf(model: KerasModel, reading: GraphReading, given?: readonly (Shape | null)[]) {
  return new GraphBuilder(model, reading, given).build()
}

class GraphBuilder {
  private readonly inputs: Port[] = []
  private readonly layers: Layers = {}
  private readonly calls: GraphArchitecture['calls'][number][] = []
  /** What each call of a layer makes, by layer and call. */
  private readonly made = new Map<string, Made>()
  private readonly byName: ReadonlyMap<string, KerasLayer>
  private readonly parts = new Map<string, readonly Part[] | null>()
  private readonly firstCalls = new Map<string, number>()

  constructor(
    private readonly model: KerasModel,
    private readonly reading: GraphReading,
    private readonly given: readonly (Shape | null)[] | undefined,
  ) {
    this.byName = new Map(model.layers.map((layer) => [layer.name, layer]))
  }

  build() {
    this.countCalls()
    this.model.inputs.forEach((input, i) => {
      const shape = this.inputShape(input, i)
      this.made.set(keyOf(input), { tensor: i, shape })
      this.inputs.push({ name: input.layer, shape: shape ?? [1] })
    })
    const outputs = this.model.outputs.map((output) => this.make(output).tensor)
    return { inputs: this.inputs, layers: this.layers, calls: this.calls, outputs }
  }

  /** A model that is a layer has been called once before, when it was made: that call, 0, is not among those in the file. */
  private countCalls(): void {
    const referred = [...this.model.outputs, ...this.model.layers.flatMap(({ calls }) => calls.flatMap(tensorsOf))]
    for (const { layer, call } of referred) {
      const found = this.byName.get(layer)
      if (found?.model && call >= found.calls.length) this.firstCalls.set(layer, 1)
    }
  }

  private inputShape({ layer }: Reference, place: number): Shape | null {
    const { config, className } = this.layerNamed(layer)
    const given = this.given?.[place]
    if (given !== undefined) return given
    if (className !== 'InputLayer') throw new FormatError(`its input ${shown(layer)} is of class ${shown(className)}`)
    const options = new LayerOptions(layer, config, this.reading.version)
    const [batch, ...sample] = options.shape(options.has('batch_shape') ? 'batch_shape' : 'batch_input_shape')
    if (batch !== null && batch === undefined) throw new FormatError(`its input ${shown(layer)} has no shape`)
    return closedShape(layer, sample, this.model.inputs.length === 1 ? this.reading.inputShape : undefined)
  }

  private layerNamed(name: string): KerasLayer {
    const layer = this.byName.get(name)
    if (layer) return layer
    throw new FormatError(`it speaks of a layer ${shown(name)}, which it does not have`)
  }

  /** What a layer's call makes, all that it needs having been made before it: without recursion, for graphs deeper than the stack. */
  private make(wanted: Reference): Made {
    const pending = [wanted]
    const open = new Set<string>()
    for (let next = pending.at(-1); next; next = pending.at(-1)) {
      const key = keyOf(next)
      if (this.made.has(key)) {
        pending.pop()
        continue
      }
      const layer = this.layerNamed(next.layer)
      const call = layer.calls[next.call - (this.firstCalls.get(layer.name) ?? 0)]
      if (!call)
        throw new FormatError(`it speaks of call ${next.call} of its layer ${shown(layer.name)}, which there is not`)
      const needed = this.tensorsOfCall(layer, call)
      const missing = needed.filter((one) => !this.made.has(keyOf(one)))
      if (missing.length === 0) {
        this.made.set(
          key,
          this.callOf(
            layer,
            needed.map((one) => this.madeBy(one)),
          ),
        )
        pending.pop()
      } else {
        if (open.has(key)) throw new FormatError(`its layer ${shown(layer.name)} needs what it makes itself`)
        open.add(key)
        pending.push(...missing.reverse())
      }
    }
    return this.madeBy(wanted)
  }

  private madeBy(reference: Reference): Made {
    const made = this.made.get(keyOf(reference))
    if (!made) throw new FormatError(`its layer ${shown(reference.layer)} makes nothing`)
    return made
  }

  /** Attention's query, value and key may be given by their names; what else is, is not known. */
  private tensorsOfCall(layer: KerasLayer, { tensors, named }: Call): readonly Reference[] {
    const known = ['inputs', 'query', 'value', 'key'].flatMap((name) => referencesIn(named[name]))
    for (const [name, value] of Object.entries(named))
      if (value === true ? name.startsWith('use_causal') : isUnknownTensor(name, value))
        this.refuse(layer, `is called with ${name}, which is not known`)
    return [...tensors, ...known]
  }

  private refuse({ name, className }: KerasLayer, why: string): void {
    const { problems } = this.reading
    if (!problems.some((problem) => problem.node === name && problem.why === why))
      problems.push({ node: name, operator: className, why })
  }

  private callOf(layer: KerasLayer, inputs: readonly Made[]): Made {
    const parts =
      this.parts.get(layer.name) ??
      this.partsOf(
        layer,
        inputs.map(({ shape }) => shape),
      )
    this.parts.set(layer.name, parts)
    if (parts === null) return { tensor: 0, shape: null }
    let made = inputs
    for (const { name, description } of parts) {
      this.layers[name] = description
      this.calls.push({ layer: name, inputs: made.map(({ tensor }) => tensor) })
      const tensor = this.model.inputs.length + this.calls.length - 1
      made = [{ tensor, shape: this.outputShapeOf(name, description, made) }]
    }
    if (made.length === 1) return made[0]
    throw new FormatError(`its layer ${shown(layer.name)} is called with ${made.length} tensors`)
  }

  /** What we do for it; null where that can't be, which is told with all else. */
  private partsOf(layer: KerasLayer, shapes: readonly (Shape | null)[]): readonly Part[] | null {
    try {
      const described = layer.model ? this.modelOf(layer, layer.model, shapes) : this.described(layer, shapes)
      return described?.map((description, i) => ({ name: this.nameFor(layer.name, i), description })) ?? null
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      this.refuse(layer, error.message)
      return null
    }
  }

  private described(layer: KerasLayer, shapes: readonly (Shape | null)[]): readonly AnyLayerDescription[] {
    const { name, className, config } = inTodaysNames(layer)
    if (!Object.hasOwn(converters, className)) throw new Unsupported('is not known')
    return converters[className](new LayerOptions(name, config, this.reading.version), shapes)
  }

  /** A model that is a layer; null where something in it can't be done. */
  private modelOf(
    { name }: KerasLayer,
    model: KerasModel,
    shapes: readonly (Shape | null)[],
  ): readonly AnyLayerDescription[] | null {
    const { problems } = this.reading
    const before = problems.length
    if (shapes.length !== model.inputs.length)
      throw new FormatError(
        `its model ${shown(name)} takes ${model.inputs.length} tensors, and is called with ${shapes.length}`,
      )
    const graph = graphOf(model, this.reading, shapes)
    if (problems.length > before || shapes.includes(null)) return null
    if (graph.outputs.length !== 1)
      throw new Unsupported(`has ${graph.outputs.length} outputs; as a layer it must have one`)
    return [{ layer: 'model', ...graph }]
  }

  /** null behind what can't be known. @throws FormatError in the layer's words where it does not fit */
  private outputShapeOf(name: string, description: AnyLayerDescription, inputs: readonly Made[]): Shape | null {
    const shapes = inputs.map(({ shape }) => shape)
    if (!shapes.every((shape) => shape !== null)) return null
    try {
      const { outputShape, layerCount = 1 } = callLayer(name, description, shapes)
      this.reading.called += layerCount
      if (this.reading.called > mostCalls) throw new FormatError(`its layers are called more than ${mostCalls} times`)
      return outputShape
    } catch (error) {
      if (error instanceof LimelightError) throw new FormatError(error.message)
      throw error
    }
  }

  /** A layer that is several has its name first. */
  private nameFor(layer: string, part: number): string {
    let name = part === 0 ? layer : `${layer}_activation`
    while (part > 0 && this.byName.has(name)) name += '_'
    return name
  }
}

function keyOf({ layer, call, tensor }: Reference): string {
  return JSON.stringify([layer, call, tensor])
}

function tensorsOf({ tensors, named }: Call): readonly Reference[] {
  return [...tensors, ...referencesIn(named)]
}

function isUnknownTensor(name: string, value: unknown): boolean {
  return !['inputs', 'query', 'value', 'key'].includes(name) && referencesIn(value).length > 0
}
