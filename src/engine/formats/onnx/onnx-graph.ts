import { ArgumentError, FormatError, UnsupportedModelError } from '../../errors.ts'
import type { Shape } from '../../tensor.ts'
import type { HostTensor } from '../operators/host-tensor.ts'
import type { AttributeValue, GraphInput, OperatorGraph, OperatorNode } from '../operators/operator-graph.ts'
import { mostNodes } from '../operators/operator-graph.ts'
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueProto,
} from './onnx-proto.ts'
import { type ExternalFiles, elementTypeName, numberType, tensorData } from './tensor-data.ts'

/**
 * The graph of an ONNX file as a graph of operators. Graphs inside nodes get names of their own for what they make, because two of
 * them may use the same; functions that the file brings along are put in the place of the nodes that call them.
 */

/** Stands for a tensor of the file that no numbers can be made of: it is told with the operators that can't be run. */
export const unreadable = 'tensor of the file'

/** How names, versions and attributes are meant where a node stands. */
interface Scope {
  /** A tensor's name, in the whole file. */
  readonly nameOf: (name: string) => string
  readonly opsets: ReadonlyMap<string, number>
  /** Begins the names of nodes and of what they make. */
  readonly prefix: string
  /** Of the node that calls the function that this is; null outside. */
  readonly given: ReadonlyMap<string, AttributeProto> | null
  /** Functions that call one another. */
  readonly depth: number
}

const deepest = 16

/**
 * @param files that the numbers of its tensors lie in, by their paths
 * @param inputShape of one sample, where the file says nothing of an input's axes
 * @throws FormatError
 * @throws ArgumentError for an input of which nothing is known
 * @throws UnsupportedModelError for inputs that are no numbers
 */
export function onnxGraph(model: ModelProto, files: ExternalFiles, inputShape?: Shape): OperatorGraph {
  const graph = new GraphReading(model, files).whole()
  const protos = new Map(model.graph.inputs.map((input) => [input.name, input]))
  return { ...graph, inputs: graph.inputs.map((input) => checkedInput(input, protos.get(input.name), inputShape)) }
}

/** Paths of the files that its tensors lie in. */
export function externalLocations({ graph, functions }: ModelProto): string[] {
  const tensors = [...tensorsOf(graph), ...functions.flatMap(({ nodes }) => nodes.flatMap(tensorsIn))]
  return [...new Set(tensors.flatMap(({ external }) => external?.get('location') ?? []))]
}

function tensorsOf({ initializers, nodes }: GraphProto): TensorProto[] {
  return [...initializers, ...nodes.flatMap(tensorsIn)]
}

function tensorsIn({ attributes }: NodeProto): TensorProto[] {
  return attributes.flatMap(({ t, g }) => [...(t ? [t] : []), ...(g ? tensorsOf(g) : [])])
}

class GraphReading {
  private readonly functions: ReadonlyMap<string, FunctionProto>
  private readonly prefixes = new Set<string>()
  /** Nodes so far, those of functions included. */
  private count = 0

  constructor(
    private readonly model: ModelProto,
    private readonly files: ExternalFiles,
  ) {
    this.functions = new Map(model.functions.map((made) => [fullName(made.domain, made.name), made]))
  }

  whole(): OperatorGraph {
    const { graph, opsets } = this.model
    return this.graph(graph, { nameOf: (name) => name, opsets, prefix: '', given: null, depth: 0 })
  }

  private graph({ nodes, initializers, sparse, inputs, outputs }: GraphProto, scope: Scope): OperatorGraph {
    const constants = new Map<string, HostTensor>()
    const all = sparse.map((name) => unreadableTensor(scope.nameOf(name), 'is sparse'))
    for (const proto of initializers) {
      const name = scope.nameOf(proto.name)
      if (numberType(proto.type)) constants.set(name, tensorData(proto, this.files))
      else all.push(unreadableTensor(name, `is of ${elementTypeName(proto.type)}`))
    }
    const known = new Set([...initializers.map(({ name }) => name), ...sparse])
    this.addNodes(nodes, scope, all)
    return {
      nodes: all,
      constants,
      inputs: inputs.filter(({ name }) => !known.has(name)).map((input) => graphInput(input, scope)),
      outputs: outputs.map(({ name }) => scope.nameOf(name)),
    }
  }

  private addNodes(nodes: readonly NodeProto[], scope: Scope, all: OperatorNode[]): void {
    for (const node of nodes) {
      const called = this.functions.get(fullName(node.domain, node.operator))
      if (called) this.addCalled(called, node, scope, all)
      else all.push(this.node(node, scope))
    }
  }

  private node(node: NodeProto, scope: Scope): OperatorNode {
    const { operator, domain } = node
    if (++this.count > mostNodes) throw new FormatError(`the graph has more than ${mostNodes} nodes`)
    const name = this.nodeName(node, scope)
    return {
      name,
      operator: domain === '' ? operator : `${domain}.${operator}`,
      version: versionOf(domain, scope.opsets, this.model.irVersion),
      inputs: node.inputs.map(scope.nameOf),
      outputs: node.outputs.map(scope.nameOf),
      attributes: this.attributes(node, name, scope),
    }
  }

  private nodeName({ name, operator }: NodeProto, { prefix }: Scope): string {
    return `${prefix}${name === '' ? `${operator}_${this.count}` : name}`
  }

  private attributes(node: NodeProto, name: string, scope: Scope): Record<string, AttributeValue> {
    const entries = node.attributes.flatMap((attribute): [string, AttributeValue][] => {
      // What the calling node does not have is left out here, too.
      const own = attribute.reference === '' ? attribute : scope.given?.get(attribute.reference)
      const value = own && this.attributeValue(own, `${name}/${attribute.name}`, scope)
      return value === undefined ? [] : [[attribute.name, value]]
    })
    return Object.fromEntries(entries)
  }

  private attributeValue(attribute: AttributeProto, name: string, scope: Scope): AttributeValue | undefined {
    switch (attribute.type || impliedType(attribute)) {
      case 1:
        return attribute.f
      case 2:
        return attribute.i
      case 3:
        return attribute.s
      case 4:
        return attribute.t ? this.tensorValue(attribute.t) : undefined
      case 5:
        return attribute.g ? this.graph(attribute.g, this.inner(attribute.g, name, scope)) : undefined
      case 6:
        return attribute.floats
      case 7:
        return attribute.ints
      case 8:
        return attribute.strings
      default:
        return undefined
    }
  }

  /** Its type's name where it can't be read: an operator that needs it says so. */
  private tensorValue(proto: TensorProto): HostTensor | string {
    return numberType(proto.type) ? tensorData(proto, this.files) : elementTypeName(proto.type)
  }

  /** The scope of a graph inside a node: it sees what is around it. */
  private inner(graph: GraphProto, name: string, scope: Scope): Scope {
    const prefix = this.newPrefix(name)
    const own = new Set([
      ...graph.inputs.map((input) => input.name),
      ...graph.initializers.map((tensor) => tensor.name),
      ...graph.sparse,
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ])
    return {
      ...scope,
      prefix,
      nameOf: (tensor) => (tensor !== '' && own.has(tensor) ? `${prefix}${tensor}` : scope.nameOf(tensor)),
    }
  }

  private newPrefix(name: string): string {
    let prefix = `${name}/`
    for (let i = 2; this.prefixes.has(prefix); i++) prefix = `${name}:${i}/`
    this.prefixes.add(prefix)
    return prefix
  }

  /** The nodes of a function, in the place of one that calls it. */
  private addCalled(called: FunctionProto, node: NodeProto, scope: Scope, all: OperatorNode[]): void {
    const depth = scope.depth + 1
    if (depth > deepest) throw new FormatError(`functions call one another more than ${deepest} deep`)
    if (++this.count > mostNodes) throw new FormatError(`the graph has more than ${mostNodes} nodes`)
    const prefix = this.newPrefix(this.nodeName(node, scope))
    const names = new Map<string, string>([['', '']])
    called.inputs.forEach((name, i) => {
      names.set(name, scope.nameOf(node.inputs[i] ?? ''))
    })
    // An output that is an input of the function, too, has no node that makes it: there is one more for it.
    const passed = called.outputs.map((name) => names.get(name))
    called.outputs.forEach((name, i) => {
      const wanted = scope.nameOf(node.outputs[i] ?? '')
      if (passed[i] === undefined && wanted !== '' && !names.has(name)) names.set(name, wanted)
    })
    const nameOf = (name: string) => names.get(name) ?? `${prefix}${name}`
    const given = new Map(called.attributes.map((attribute) => [attribute.name, attribute]))
    for (const attribute of node.attributes) {
      const own = attribute.reference === '' ? attribute : scope.given?.get(attribute.reference)
      if (own) given.set(attribute.name, own)
    }
    this.addNodes(called.nodes, { nameOf, opsets: called.opsets, prefix, given, depth }, all)
    called.outputs.forEach((name, i) => {
      const wanted = scope.nameOf(node.outputs[i] ?? '')
      if (wanted !== '' && nameOf(name) !== wanted)
        all.push({
          name: `${prefix}output ${i + 1}`,
          operator: 'Identity',
          version: versionOf('', scope.opsets, this.model.irVersion),
          inputs: [nameOf(name)],
          outputs: [wanted],
          attributes: {},
        })
    })
  }
}

function fullName(domain: string, name: string): string {
  return `${domain}\0${name}`
}

function unreadableTensor(name: string, why: string): OperatorNode {
  return { name, operator: unreadable, version: 0, inputs: [], outputs: [name], attributes: { why } }
}

/** Of files before IR version 3, which did not write it: the type whose field is filled. */
function impliedType({ t, g, floats, ints, strings, s, f }: AttributeProto): number {
  if (t) return 4
  if (g) return 5
  if (floats.length > 0) return 6
  if (ints.length > 0) return 7
  if (strings.length > 0) return 8
  if (s !== '') return 3
  return f !== 0 ? 1 : 2
}

function versionOf(domain: string, opsets: ReadonlyMap<string, number>, irVersion: number): number {
  const version = opsets.get(domain)
  if (version !== undefined) return version
  if (domain !== '' || irVersion < 3) return 1
  throw new FormatError('the model does not say which opset it is made for')
}

/** Of a graph inside a node, files may leave the types out. */
function graphInput({ name, type, shape }: ValueProto, { nameOf }: Scope): GraphInput {
  return { name: nameOf(name), type: numberType(type) ?? 'float', shape: shape ?? [] }
}

function checkedInput(input: GraphInput, proto: ValueProto | undefined, inputShape: Shape | undefined): GraphInput {
  const type = proto?.type ?? 0
  if (!numberType(type)) {
    const why = type === 0 ? 'is no tensor' : `is of ${elementTypeName(type)}`
    throw new UnsupportedModelError('ONNX', [{ node: input.name, operator: 'the input', why }])
  }
  if (proto?.shape) return input
  if (inputShape) return { ...input, shape: [null, ...inputShape.map(() => null)] }
  throw new ArgumentError(
    `the file does not say how many axes its input ${input.name} has; say it with inputShape, of one sample`,
  )
}
