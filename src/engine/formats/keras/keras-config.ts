import { shown } from '../../arguments.ts'
import { FormatError } from '../../errors.ts'
import { isJsonObject } from '../strict-json.ts'

/**
 * What Keras writes down of a model, in its three versions and TensorFlow.js, made one: layers by name, which of them is called with what
 * the others make, and what comes out.
 */
export interface KerasModel {
  readonly name: string
  readonly className: string
  /** In their order, which their weights follow. */
  readonly layers: readonly KerasLayer[]
  readonly inputs: readonly Reference[]
  readonly outputs: readonly Reference[]
  readonly trainable: boolean
}

export interface KerasLayer {
  readonly name: string
  readonly className: string
  readonly config: Readonly<Record<string, unknown>>
  readonly calls: readonly Call[]
  /** A model that is a layer. */
  readonly model: KerasModel | null
}

/** What a layer is called with. */
export interface Call {
  readonly tensors: readonly Reference[]
  /** Python's keyword arguments. */
  readonly named: Readonly<Record<string, unknown>>
}

/** What a layer makes when it is called: which call, and which of its tensors. */
export interface Reference {
  readonly layer: string
  readonly call: number
  readonly tensor: number
}

/** Models in models in models: nobody writes more. */
const deepest = 16
const mostLayers = 10_000

/** @throws FormatError for what describes no model */
export function parseModel(value: unknown, depth = 0): KerasModel {
  if (depth > deepest) throw new FormatError(`its models are nested more than ${deepest} deep`)
  if (!isJsonObject(value)) throw new FormatError(`its model_config is ${shown(value)}; expected a model`)
  const className = textOf(value.class_name, 'its model has no class_name')
  const { config } = value
  // Keras 1, and 2 at its beginning, wrote a Sequential's layers as the config itself.
  const settings = Array.isArray(config) ? { layers: config } : config
  if (!isJsonObject(settings) || !Array.isArray(settings.layers) || settings.layers.length === 0)
    throw new FormatError(`its ${shown(className)} lists no layers: it is no model that Keras can be asked to build`)
  if (settings.layers.length > mostLayers) throw new FormatError(`it has more than ${mostLayers} layers`)
  const name = typeof settings.name === 'string' ? settings.name : className.toLowerCase()
  const trainable = settings.trainable !== false
  const layers = settings.layers.map((layer: unknown) => parseLayer(layer, depth))
  const given = { name, className, trainable }
  if (className === 'Sequential') return { ...given, ...stack(layers, settings) }
  const names = new Set(layers.map((layer) => layer.name))
  if (names.size < layers.length) throw new FormatError('two of its layers have the same name')
  return {
    ...given,
    layers,
    inputs: portsOf('input_layers', settings),
    outputs: portsOf('output_layers', settings),
  }
}

const modelClasses = new Set(['Sequential', 'Functional', 'Model'])

function parseLayer(value: unknown, depth: number): KerasLayer {
  if (!isJsonObject(value)) throw new FormatError(`a layer of it is ${shown(value)}`)
  const className = textOf(value.class_name, 'a layer of it has no class_name')
  const config = Array.isArray(value.config) ? { layers: value.config } : value.config
  if (!isJsonObject(config)) throw new FormatError(`its layer of class ${shown(className)} has no config`)
  const name = textOf(value.name ?? config.name, `its layer of class ${shown(className)} has no name`)
  const isModel = modelClasses.has(className) && Array.isArray(config.layers)
  return {
    name,
    className,
    config,
    calls: callsOf(value.inbound_nodes),
    model: isModel ? parseModel({ class_name: className, config: { name, ...config } }, depth + 1) : null,
  }
}

function textOf(value: unknown, why: string): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 200) return value
  throw new FormatError(why)
}

/** Layers one behind the other: each is called once, with what the one before makes. */
function stack(layers: readonly KerasLayer[], settings: Readonly<Record<string, unknown>>) {
  const [first] = layers
  const withInput = first?.className === 'InputLayer' ? layers : [inputFor(first, settings), ...layers]
  const chained = withInput.map((layer, i) => ({
    ...layer,
    calls: i === 0 ? [] : [{ tensors: [outputOf(withInput[i - 1].name)], named: {} }],
  }))
  const names = new Set(chained.map(({ name }) => name))
  if (names.size < chained.length) throw new FormatError('two of its layers have the same name')
  return {
    layers: chained,
    inputs: chained.slice(0, 1).map(({ name }) => outputOf(name)),
    outputs: chained.slice(-1).map(({ name }) => outputOf(name)),
  }
}

function outputOf(layer: string): Reference {
  return { layer, call: 0, tensor: 0 }
}

/** Without an InputLayer the first layer says what it takes, or what the model was built for does. */
function inputFor(first: KerasLayer | undefined, settings: Readonly<Record<string, unknown>>): KerasLayer {
  const shape = first && shapeFor(first)
  return {
    name: first ? `${first.name}_input` : 'input',
    className: 'InputLayer',
    config: { batch_shape: shape ?? settings.build_input_shape },
    calls: [],
    model: null,
  }
}

function shapeFor({ config, model }: KerasLayer): unknown {
  const own = config.batch_input_shape ?? config.batch_shape
  if (own !== undefined) return own
  const inner = model?.layers.find(({ name }) => name === model.inputs[0]?.layer)
  return inner && shapeFor(inner)
}

/** [["name", 0, 0], …], and of one alone ["name", 0, 0]. */
function portsOf(key: string, settings: Readonly<Record<string, unknown>>): Reference[] {
  const found: Reference[] = []
  collect(settings[key], found, 0)
  if (found.length === 0) throw new FormatError(`its model has no ${key}`)
  return found
}

/**
 * Each call of a layer: in Keras 1 and 2 a list of references, the last of their parts being what is given by name; in Keras 3
 * { args, kwargs }, with the tensors somewhere in them.
 */
function callsOf(nodes: unknown): Call[] {
  if (!Array.isArray(nodes)) return []
  const inOne = nodes.length > 0 && nodes.every(isReference)
  return (inOne ? [nodes] : nodes).map((node: unknown): Call => {
    const tensors: Reference[] = []
    if (isJsonObject(node)) {
      collect(node.args, tensors, 0)
      return { tensors, named: isJsonObject(node.kwargs) ? node.kwargs : {} }
    }
    collect(node, tensors, 0)
    const named = Array.isArray(node) ? node.map((one: unknown) => (isReference(one) ? one[3] : undefined)) : []
    return { tensors, named: Object.assign({}, ...named.filter(isJsonObject)) }
  })
}

/** The tensors in something that a layer is given by name. */
export function referencesIn(value: unknown): readonly Reference[] {
  const found: Reference[] = []
  collect(value, found, 0)
  return found
}

function isReference(value: unknown): value is readonly [string, number, number, ...unknown[]] {
  return (
    Array.isArray(value) &&
    value.length >= 3 &&
    typeof value[0] === 'string' &&
    Number.isSafeInteger(value[1]) &&
    Number.isSafeInteger(value[2])
  )
}

/** All references in a value, in their order. */
function collect(value: unknown, found: Reference[], depth: number): void {
  if (depth > deepest || found.length > 1000) throw new FormatError('a layer of it is called with too many tensors')
  if (isReference(value)) {
    found.push({ layer: value[0], call: value[1], tensor: value[2] })
  } else if (Array.isArray(value)) for (const item of value) collect(item, found, depth + 1)
  else if (isJsonObject(value)) {
    const { config } = value
    if (value.class_name === '__keras_tensor__' && isJsonObject(config)) collect(config.keras_history, found, depth + 1)
    else collect(Object.values(value), found, depth + 1)
  }
}
