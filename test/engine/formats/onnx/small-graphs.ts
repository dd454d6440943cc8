import { compute } from '../../../../src/engine/compute.ts'
import { onnxOperators } from '../../../../src/engine/formats/onnx/operators.ts'
import type { HostTensor } from '../../../../src/engine/formats/operators/host-tensor.ts'
import type {
  AttributeValue,
  OperatorGraph,
  OperatorNode,
} from '../../../../src/engine/formats/operators/operator-graph.ts'
import { interpret } from '../../../../src/engine/formats/operators/operator-network.ts'
import { DeviceValue, type Value } from '../../../../src/engine/formats/operators/value.ts'
import { gradients } from '../../../../src/engine/gradients.ts'
import { mul } from '../../../../src/engine/ops/elementwise.ts'
import { sum } from '../../../../src/engine/ops/sum-and-broadcast.ts'
import { ReferenceDevice } from '../../../../src/engine/reference/device.ts'
import { constant, Input, type Shape } from '../../../../src/engine/tensor.ts'

/** Graphs of few of ONNX's operators, whose input is x, run and differentiated in float64. */

const device = new ReferenceDevice()

/** 'Add: x, two -> y', with what the attributes are. */
export function node(
  text: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
  version = 21,
): OperatorNode {
  const [operator, inputs, outputs] = text.split(/: ?| ?-> ?/)
  const names = (list: string) => list.split(',').map((name) => name.trim())
  return { name: operator, operator, version, inputs: names(inputs), outputs: names(outputs), attributes }
}

export function graphOf(
  nodes: readonly OperatorNode[],
  { constants = {}, outputs }: { constants?: Readonly<Record<string, HostTensor>>; outputs?: readonly string[] } = {},
): OperatorGraph {
  return {
    nodes,
    constants: new Map(Object.entries(constants)),
    inputs: [{ name: 'x', type: 'float', shape: [null] }],
    outputs: outputs ?? (nodes.at(-1)?.outputs ?? []).slice(0, 1),
  }
}

export function floats(shape: Shape, data: readonly number[]): HostTensor {
  return { type: 'float', shape, data: Float64Array.from(data) }
}

export function bytes(shape: Shape, data: readonly number[], arrays: typeof Int8Array | typeof Uint8Array): HostTensor {
  return { type: 'integer', shape, data: arrays.from(data) }
}

export function integers(...data: readonly number[]): HostTensor {
  return { type: 'integer', shape: [data.length], data: Float64Array.from(data) }
}

/** The graph's values of x, for whatever is to be computed of them. */
export function valuesOf(graph: OperatorGraph, shape: Shape): { x: Input; values: readonly Value[] } {
  const x = new Input('x', shape)
  return { x, values: interpret(graph, onnxOperators, new Map([['x', new DeviceValue(x)]])) }
}

export async function outputsOf(graph: OperatorGraph, shape: Shape, data: readonly number[]): Promise<HostTensor[]> {
  const { values } = valuesOf(graph, shape)
  const tensors = values.map((value) => {
    if (value instanceof DeviceValue) return value.asSpoken()
    throw new Error('an output is known without x')
  })
  const asked = Object.fromEntries(tensors.map((tensor, i) => [`${i}`, tensor]))
  const computed: Record<string, ArrayLike<number>> = await compute(device, { outputs: asked }, given(data))
  return values.map(({ type, shape: own }, i) => ({ type, shape: own, data: Float64Array.from(computed[`${i}`]) }))
}

const given = (data: readonly number[]) => ({ x: Float64Array.from(data) })

/** Of the sum of the first output's numbers, each times its weight, by x. */
export async function gradientOf(
  graph: OperatorGraph,
  shape: Shape,
  data: readonly number[],
  weight: (i: number) => number = () => 1,
): Promise<number[]> {
  const { x, values } = valuesOf(graph, shape)
  const [first] = values
  if (!(first instanceof DeviceValue)) throw new Error('the output is known without x')
  const y = first.asSpoken()
  const count = y.shape.reduce((product, extent) => product * extent, 1)
  const total = sum(
    mul(
      y,
      constant(
        Float64Array.from({ length: count }, (_, i) => weight(i)),
        y.shape,
      ),
    ),
  )
  const [slope] = gradients(total, [x])
  const results: Record<string, ArrayLike<number>> = await compute(device, { outputs: { slope } }, given(data))
  return Array.from(results.slope)
}
