import { shown } from '../../arguments.ts'
import {
  ArgumentError,
  FormatError,
  LimelightError,
  UnsupportedModelError,
  type UnsupportedOperator,
} from '../../errors.ts'
import type { Applied, Network, Parameter, Port } from '../../model/network.ts'
import { concat } from '../../ops/concat.ts'
import { round } from '../../ops/elementwise.ts'
import { slice } from '../../ops/slice-and-pad.ts'
import { constant, formatShape, Input, type Resident, type Shape, type Tensor } from '../../tensor.ts'
import { hangsOnConstants } from './evaluate.ts'
import { FoldingRoom } from './folding-limits.ts'
import {
  OperatorCall,
  type OperatorFunction,
  type OperatorSet,
  type Place,
  type Surroundings,
  UnsupportedNode,
} from './operator-call.ts'
import { type GraphInput, neededNodes, type OperatorGraph, type OperatorNode } from './operator-graph.ts'
import { constantFrom, DeviceValue, HostValue, hostInOrder, hostOf, type Value } from './value.ts'

/**
 * A network that is a graph of a file's operators. It is interpreted anew for each size of batch: shapes are numbers then, and
 * what a file computes of them is computed here, on the host.
 */
export interface OperatorNetwork extends Network {
  readonly graph: OperatorGraph
  readonly operators: OperatorSet
  /** What is run, in this order. */
  readonly nodes: readonly OperatorNode[]
  /** The file is made for one sample, and several would mix. */
  readonly isOneByOne: boolean
}

export interface OperatorNetworkOptions {
  /** Of one sample, for inputs whose extents the file leaves open. */
  readonly inputShape?: Shape
}

/**
 * @throws UnsupportedModelError that names every node that can't be run
 * @throws FormatError for a graph that is none
 */
export function operatorNetwork(
  graph: OperatorGraph,
  operators: OperatorSet,
  options: OperatorNetworkOptions = {},
): OperatorNetwork {
  if (graph.inputs.length === 0 || graph.outputs.length === 0)
    throw new FormatError(`the graph has no ${graph.inputs.length === 0 ? 'input' : 'output'}; expected at least one`)
  const nodes = neededNodes(graph)
  const inputs = graph.inputs.map((input) => portOf(input, options))
  const weights = new Weights()
  const readings = {
    graph,
    nodes,
    operators,
    fileBatch: fileBatchOf(graph),
    known: new Map<string, HostValue>(),
    room: new FoldingRoom(),
  }
  const trial = (batch: number) => {
    const given = inputs.map(({ name, shape }) => new Input(name, [batch, ...shape]))
    return new Interpretation(readings, inputValues(graph, given), batch, weights.learn)
  }
  const alone = trial(1)
  const ofOne = deviceOutputs(alone, graph)
  const isOneByOne = !runsTogether(trial, readings.fileBatch)
  const parameters = weights.parameters()
  const outputs = graph.outputs.map((name, i): Port => {
    const { shape } = ofOne[i]
    if (shape[0] !== 1)
      throw new FormatError(`the output ${name} of one sample is ${formatShape(shape)}; expected [1,…]`)
    return { name, shape: shape.slice(1) }
  })
  return {
    graph,
    operators,
    nodes,
    isOneByOne,
    inputs,
    outputs,
    parameters,
    apply(tensors, residents): Applied {
      const batch = tensors[0].shape[0]
      const place = weights.placing(residents)
      const run = (given: readonly Tensor[], count: number) =>
        deviceOutputs(new Interpretation(readings, inputValues(graph, given), count, place), graph).map((value) =>
          value.asSpoken(),
        )
      if (!isOneByOne || batch === 1) return { outputs: run(tensors, batch), updates: [] }
      const each = Array.from({ length: batch }, (_, sample) =>
        run(
          tensors.map((tensor) => slice(tensor, { begin: [sample], end: [sample + 1] })),
          1,
        ),
      )
      return {
        outputs: outputs.map((_, i) =>
          concat(
            each.map((made) => made[i]),
            { axis: 0 },
          ),
        ),
        updates: [],
      }
    },
  }
}

function portOf({ name, shape }: GraphInput, { inputShape }: OperatorNetworkOptions): Port {
  if (shape.length === 0) throw new FormatError(`the input ${name} has no axes; expected one for the batch`)
  const own = shape.slice(1)
  if (inputShape) {
    const fits =
      inputShape.length === own.length && own.every((extent, i) => (extent ?? inputShape[i]) === inputShape[i])
    if (!fits)
      throw new ArgumentError(`the input ${name} takes ${inWords(own)}; ${formatShape(inputShape)} was asked for`)
    return { name, shape: inputShape }
  }
  return {
    name,
    shape: own.map((extent) => {
      if (extent !== null) return extent
      throw new ArgumentError(
        `the file leaves open how large its input ${name} is: ${inWords(own)}; say it with inputShape, of one sample`,
      )
    }),
  }
}

const inWords = (shape: readonly (number | null)[]) => `[${shape.map((extent) => extent ?? '?').join(',')}]`

/**
 * What a graph makes of values of any shape, of which none need have a batch axis: a part of a network, or a case of a format's own
 * tests. Its weights are constants. What is known of the values given is known of the outputs.
 * @throws UnsupportedModelError that names every node that can't be run
 * @throws FormatError for a graph that is none
 */
export function interpret(
  graph: OperatorGraph,
  operators: OperatorSet,
  given: ReadonlyMap<string, Value>,
): readonly Value[] {
  const readings = {
    graph,
    nodes: neededNodes(graph),
    operators,
    fileBatch: null,
    known: new Map<string, HostValue>(),
    room: new FoldingRoom(),
  }
  return new Interpretation(readings, given, 1, constantFrom).outputs
}

function inputValues({ inputs }: OperatorGraph, given: readonly Tensor[]): Map<string, DeviceValue> {
  return new Map(inputs.map(({ name, type }, i) => [name, new DeviceValue(given[i], undefined, type)]))
}

function deviceOutputs({ outputs }: Trial, graph: OperatorGraph): readonly DeviceValue[] {
  return outputs.map((value, i) => {
    if (value instanceof DeviceValue) return value
    throw new FormatError(`the output ${graph.outputs[i]} does not hang on the network's input`)
  })
}

/** Samples that the file is made for; null where it leaves that open. */
function fileBatchOf({ inputs }: OperatorGraph): number | null {
  return inputs.map(({ shape }) => shape[0]).find((extent) => extent !== null) ?? null
}

/** Whether samples can be taken together: two of them give two outputs, and no node of a file made for one worked along the batch. */
function runsTogether(trial: (batch: number) => Trial, fileBatch: number | null): boolean {
  try {
    const { outputs, mixes } = trial(2)
    return outputs.every(({ shape }) => shape[0] === 2) && !(fileBatch !== null && mixes)
  } catch (error) {
    if (error instanceof LimelightError) return false
    throw error
  }
}

/** What all readings of one graph share. */
interface Readings {
  readonly graph: OperatorGraph
  readonly nodes: readonly OperatorNode[]
  readonly operators: OperatorSet
  readonly fileBatch: number | null
  /** What was computed of constants alone, by the tensor's name. */
  readonly known: Map<string, HostValue>
  /** For what is computed so. */
  readonly room: FoldingRoom
}

interface Trial {
  readonly outputs: readonly Value[]
  /** A node worked along the batch axis. */
  readonly mixes: boolean
}

/** The weights of a network: what of a file's numbers its operations need as tensors, in the order in memory that they need. */
class Weights {
  private readonly all = new Map<string, Parameter>()

  /** The first time: what is asked for becomes a parameter, which is trained if anything that asks for it lets it be. */
  readonly learn: Place = (value, order, trainable = true) => {
    const small = asConstant(value, order)
    if (small) return small
    const key = keyOf(value, order)
    const known = this.all.get(key)
    if (known && (known.trainable || !trainable)) return new Input(key, known.shape)
    const { data, shape } = hostInOrder(value.tensor, order)
    this.all.set(key, { name: key, shape, data: new Float32Array(data), trainable })
    return new Input(key, shape)
  }

  parameters(): readonly Parameter[] {
    return [...this.all.values()]
  }

  placing(residents: readonly Resident[]): Place {
    const places = new Map([...this.all.keys()].map((key, i) => [key, residents[i]]))
    return (value, order) => {
      const known = asConstant(value, order) ?? places.get(keyOf(value, order))
      if (known) return known
      throw new LimelightError(`${value.name} is needed for this batch, and was not for another`)
    }
  }
}

function keyOf({ name }: HostValue, order: readonly number[]): string {
  return order.every((axis, i) => axis === i) ? name : `${name}:${order.join('')}`
}

/** A number, and what is no float or hangs on the batch, is part of the graph. */
function asConstant({ tensor, isOfBatch }: HostValue, order: readonly number[]): Tensor | null {
  // Weights may be long: they are not turned round only to see that they are some.
  if (tensor.data.length !== 1 && tensor.type === 'float' && !isOfBatch) return null
  const { data, shape } = hostInOrder(tensor, order)
  return constant(data.length === 1 ? data[0] : data, shape)
}

/** Of an operator that no table has. */
const unheard = 'is not known'

/** One reading of the graph, for one size of batch. */
class Interpretation implements Trial {
  readonly outputs: readonly Value[]
  mixes = false
  /** Nodes that can't be run, and why. */
  private readonly unsupported: UnsupportedOperator[] = []

  constructor(
    { graph, nodes, operators, fileBatch, known, room }: Readings,
    given: ReadonlyMap<string, Value>,
    readonly batch: number,
    readonly place: Place,
  ) {
    this.operators = operators
    this.fileBatch = fileBatch
    this.known = known
    this.roomOfConstants = room
    this.leaving = new Set(graph.outputs)
    const values = new Map<string, Value>([...constantsOf(graph), ...given])
    this.runNodes(nodes, values)
    if (this.unsupported.length > 0) throw new UnsupportedModelError(operators.name, this.unsupported)
    this.outputs = graph.outputs.map((name) => {
      const value = values.get(name)
      if (value) return asWhole(value)
      throw new FormatError(`the output ${name} is no tensor that the graph makes or is given`)
    })
  }

  readonly fileBatch: number | null
  private readonly operators: OperatorSet
  private readonly known: Map<string, HostValue>
  private readonly leaving: ReadonlySet<string>
  private readonly roomOfConstants: FoldingRoom
  /** For what hangs on the batch, and is computed anew with each reading. */
  private readonly roomOfBatch = new FoldingRoom()

  noteMixing(): void {
    this.mixes = true
  }

  find(node: OperatorNode): OperatorFunction | undefined {
    return this.operators.find(node)
  }

  isOutput(tensor: string): boolean {
    return this.leaving.has(tensor)
  }

  run(graph: OperatorGraph, given: ReadonlyMap<string, Value>): readonly Value[] {
    const values = new Map<string, Value>([...given, ...constantsOf(graph)])
    this.runNodes(neededNodes(graph, given), values)
    return graph.outputs.map((name) => {
      const value = values.get(name)
      if (value) return value
      throw new UnsupportedNode('a node inside it')
    })
  }

  private runNodes(nodes: readonly OperatorNode[], values: Map<string, Value>): void {
    for (const node of nodes) {
      const given = node.inputs.map((name) => (name === '' ? null : (values.get(name) ?? undefined)))
      // A node before it can't be run: whether it could is not known, but whether there is such an operator is.
      if (given.some((value) => value === undefined)) {
        if (!this.find(node)) this.unsupported.push({ node: node.name, operator: node.operator, why: unheard })
        continue
      }
      try {
        const made = this.made(
          node,
          given.map((value) => value ?? null),
          values,
        )
        node.outputs.forEach((name, i) => {
          if (name !== '' && made[i]) values.set(name, made[i])
        })
      } catch (error) {
        if (error instanceof UnsupportedNode)
          this.unsupported.push({ node: node.name, operator: node.operator, why: error.message })
        else if (error instanceof LimelightError && !(error instanceof UnsupportedModelError))
          throw new FormatError(`${node.operator} ${shown(node.name)}: ${error.message}`)
        else throw error
      }
    }
  }

  private made(
    node: OperatorNode,
    inputs: readonly (Value | null)[],
    outer: ReadonlyMap<string, Value>,
  ): readonly Value[] {
    const operator = this.find(node)
    if (!operator) throw new UnsupportedNode(unheard)
    const fixed = inputs.every((value) => !(value instanceof DeviceValue))
    const isOfBatch = inputs.some((value) => value instanceof HostValue && value.isOfBatch)
    if (fixed && !isOfBatch) {
      const before = node.outputs.map((name) => this.known.get(name))
      if (before.every((value) => value !== undefined)) return before
    }
    const room = fixed && !isOfBatch ? this.roomOfConstants : this.roomOfBatch
    const around: Surroundings = {
      batch: this.batch,
      fileBatch: this.fileBatch,
      place: this.place,
      room,
      noteMixing: () => this.noteMixing(),
      find: (other) => this.find(other),
      isOutput: (tensor) => this.isOutput(tensor),
      run: (graph, given) => this.run(graph, new Map([...outer, ...given])),
    }
    const made = (place: Place) => {
      const result = operator(new OperatorCall(node, inputs, { ...around, place }))
      return result instanceof HostValue || result instanceof DeviceValue ? [result] : result
    }
    if (!fixed) return made(this.place)
    const values = made(constantFrom)
    const tensors = values.flatMap((value) => (value instanceof DeviceValue ? [value.tensor] : []))
    if (!hangsOnConstants(tensors)) return values
    if (!room.take(tensors)) return made(this.place)
    const folded = values.map((value, i) => {
      const [name, type] = [node.outputs[i], value.type]
      const host = value instanceof HostValue ? value.tensor : hostOf(value)
      return new HostValue(name, { ...host, type }, isOfBatch || (value instanceof HostValue && value.isOfBatch))
    })
    for (const value of folded) if (!value.isOfBatch && value.name !== '') this.known.set(value.name, value)
    return folded
  }
}

/** Quantised numbers are not rounded on their way through a network; integers that leave it are. */
function asWhole(value: Value): Value {
  const isRounded = value instanceof HostValue || value.type !== 'integer' || value.tensor.dtype !== 'f32'
  return isRounded ? value : value.with(round(value.tensor))
}

function constantsOf({ constants }: OperatorGraph): [name: string, value: HostValue][] {
  return [...constants].map(([name, tensor]) => [name, new HostValue(name, tensor)])
}
