import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compute } from '../../../../src/engine/compute.ts'
import type { Device } from '../../../../src/engine/device.ts'
import { UnsupportedModelError } from '../../../../src/engine/errors.ts'
import { onnxGraph } from '../../../../src/engine/formats/onnx/onnx-graph.ts'
import { type NodeProto, readModelProto, readTensorProto } from '../../../../src/engine/formats/onnx/onnx-proto.ts'
import { onnxOperators } from '../../../../src/engine/formats/onnx/operators.ts'
import { tensorData } from '../../../../src/engine/formats/onnx/tensor-data.ts'
import type { HostTensor } from '../../../../src/engine/formats/operators/host-tensor.ts'
import type { OperatorGraph } from '../../../../src/engine/formats/operators/operator-graph.ts'
import { interpret } from '../../../../src/engine/formats/operators/operator-network.ts'
import { DeviceValue, HostValue, type Value } from '../../../../src/engine/formats/operators/value.ts'
import { formatShape, Input, sameShape } from '../../../../src/engine/tensor.ts'

/**
 * The ONNX project's own tests of backends (onnx/backend/test/data of version 1.12: Debian's libonnx-testdata): graphs of one operator
 * or few, each with inputs and outputs. Which operators it supports, a backend says itself; of those every case must pass.
 */

export interface BackendCase {
  /** 'node', 'pytorch-converted', … */
  readonly suite: string
  readonly name: string
  readonly folder: string
}

const suites = ['node', 'pytorch-converted', 'pytorch-operator', 'simple']

/** The package's folder of tests: LIMELIGHT_ONNX_TESTS, or where Debian puts it. undefined where it is in neither. */
export function backendData(): string | undefined {
  const folder = process.env.LIMELIGHT_ONNX_TESTS ?? '/usr/share/libonnx-testdata/data'
  return suites.every((suite) => existsSync(join(folder, suite))) ? folder : undefined
}

export function backendCases(data: string): BackendCase[] {
  return suites.flatMap((suite) =>
    readdirSync(join(data, suite))
      .sort()
      .map((name) => ({ suite, name: name.replace(/^test_/, ''), folder: join(data, suite, name) })),
  )
}

/**
 * What of a case's inputs comes when the network is run. The rest is known before, as it is in files that exporters write. All of
 * them do where each operator takes them so, else the first, else none.
 */
const ways = ['all inputs', 'the first input', 'no input'] as const

export type Verdict = { readonly operators: readonly string[] } & (
  | { readonly outcome: 'passed'; readonly given: (typeof ways)[number] }
  | { readonly outcome: 'failed'; readonly why: string }
  | { readonly outcome: 'not supported'; readonly reasons: readonly Reason[] }
)

interface Reason {
  readonly operator: string
  readonly why: string
}

/** Cases that the processor computes, whatever device is asked, and why. */
export const onProcessor: ReadonlyMap<string, string> = new Map([
  ...['dynamicquantizelinear', 'dynamicquantizelinear_expanded'].map((name): [string, string] => [
    name,
    'its numbers lie so near the middle of two whole ones that only float32 rounds them as the case has it',
  ]),
  ...['MaxPool1d_stride_padding_dilation', 'MaxPool2d_stride_padding_dilation', 'operator_conv'].map(
    (name): [string, string] => [name, 'in float64 it takes seconds'],
  ),
])

/** Cases whose numbers are larger than float32's: whoever made them took memory as it was. */
export const beyondFloat32: ReadonlySet<string> = new Set([
  'operator_add_broadcast',
  'operator_add_size1_right_broadcast',
  'operator_add_size1_singleton_broadcast',
  'operator_addconstant',
])

/** Cases that are known to fail, and why. */
export const deviations: ReadonlyMap<string, string> = new Map(
  ['cast_FLOAT_to_BFLOAT16', 'castlike_FLOAT_to_BFLOAT16', 'castlike_FLOAT_to_BFLOAT16_expanded'].map((name) => [
    name,
    'what is cast to bfloat16 keeps the digits of float32',
  ]),
)

/** All cases in order, each on the device or on the processor. */
export async function runCases(data: string, device: Device, processor: Device): Promise<Map<BackendCase, Verdict>> {
  const verdicts = new Map<BackendCase, Verdict>()
  for (const one of backendCases(data))
    verdicts.set(one, await runCase(onProcessor.has(one.name) ? processor : device, one))
  return verdicts
}

/** Runs a case on a device, and compares what comes out with what the standard says. */
export async function runCase(device: Device, { name, folder }: BackendCase): Promise<Verdict> {
  const { graph: proto, ...model } = readModelProto(readFileSync(join(folder, 'model.onnx')))
  const operators = [...new Set(proto.nodes.map(fullName))].sort()
  try {
    const graph = onnxGraph({ ...model, graph: proto }, new Map(), [])
    const declared = new Map([...proto.inputs, ...proto.outputs].map((value) => [value.name, value.type]))
    const sets = readdirSync(folder).filter((entry) => entry.startsWith('test_data_set_'))
    const readers = sets.map((set) => ({
      read: (kind: string, tensor: string, i: number) =>
        readTensor(join(folder, set, `${kind}_${i}.pb`), declared.get(tensor)),
    }))
    return {
      operators,
      outcome: 'passed',
      given: await firstWay(device, { graph, readers, tolerance: toleranceOf(name) }),
    }
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) return { operators, outcome: 'failed', why: String(error) }
    const reasons = error.operators.map(({ operator, why }) => ({ operator, why }))
    return { operators, outcome: 'not supported', reasons }
  }
}

const fullName = ({ domain, operator }: NodeProto) => (domain === '' ? operator : `${domain}.${operator}`)

interface Work {
  readonly graph: OperatorGraph
  /** Of each set of data: reads an input or output by its place. */
  readonly readers: readonly { read(kind: string, tensor: string, i: number): HostTensor }[]
  readonly tolerance: Tolerance
}

const [uint16, bfloat16] = [4, 16]

/** NumPy knows no bfloat16: the cases have the bits of such numbers as uint16. */
function readTensor(path: string, declared: number | undefined): HostTensor {
  const proto = readTensorProto(readFileSync(path))
  const isBits = declared === bfloat16 && proto.type === uint16
  return tensorData(isBits ? { ...proto, type: bfloat16 } : proto, new Map())
}

/** The first way that each operator takes. */
async function firstWay(device: Device, work: Work): Promise<(typeof ways)[number]> {
  for (const way of ways) {
    try {
      await run(device, work, way)
      return way
    } catch (error) {
      if (!(error instanceof UnsupportedModelError) || way === ways.at(-1)) throw error
    }
  }
  throw new Error('there is no such way')
}

async function run(device: Device, { graph, readers, tolerance }: Work, way: (typeof ways)[number]): Promise<void> {
  const count = { 'all inputs': graph.inputs.length, 'the first input': 1, 'no input': 0 }[way]
  for (const { read } of readers) {
    const inputs = graph.inputs.map(({ name }, i) => ({ name, tensor: read('input', name, i) }))
    const given = inputs.map(({ name, tensor }, i): [string, Value] => [
      name,
      i < count ? new DeviceValue(new Input(name, tensor.shape), undefined, tensor.type) : new HostValue(name, tensor),
    ])
    const made = interpret(graph, onnxOperators, new Map(given))
    const numbers = await numbersOf(device, made, inputs.slice(0, count))
    made.forEach(({ type, shape }, i) => {
      compare(`output ${i}`, { type, shape, data: numbers[i] }, read('output', graph.outputs[i], i), tolerance)
    })
  }
}

interface Named {
  readonly name: string
  readonly tensor: HostTensor
}

/** What is on the host already, and what the device computes. */
async function numbersOf(device: Device, made: readonly Value[], inputs: readonly Named[]): Promise<Float64Array[]> {
  const asked = made.flatMap((value, i) => (value instanceof DeviceValue ? [[`output ${i}`, value.asSpoken()]] : []))
  const given = Object.fromEntries(inputs.map(({ name, tensor }) => [name, deviceNumbers(tensor)]))
  const computed = asked.length === 0 ? {} : await compute(device, { outputs: Object.fromEntries(asked) }, given)
  return made.map((value, i) =>
    Float64Array.from(value instanceof HostValue ? value.tensor.data : (computed[`output ${i}`] ?? [])),
  )
}

/** Some cases are of doubles that no float32 is. */
function deviceNumbers({ data }: HostTensor): Float32Array | Float64Array {
  return data instanceof Float64Array ? data : Float32Array.from(data)
}

interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

/** The standard's runner allows 1e-3 of all numbers. That is needed where they have 11 bits, or came of a pi that has few digits. */
function toleranceOf(name: string): Tolerance {
  return { relative: /to_FLOAT16|window/.test(name) ? 1e-3 : 1e-5, absolute: 1e-7 }
}

function compare(what: string, got: HostTensor, expected: HostTensor, { relative, absolute }: Tolerance): void {
  if (!sameShape(got.shape, expected.shape))
    throw new Error(`${what} is ${formatShape(got.shape)}; expected ${formatShape(expected.shape)}`)
  if (got.type !== expected.type) throw new Error(`${what} is of type ${got.type}; expected ${expected.type}`)
  expected.data.forEach((number, i) => {
    const isSame = got.data[i] === number || Object.is(got.data[i], number)
    if (!isSame && !(Math.abs(got.data[i] - number) <= absolute + relative * Math.abs(number)))
      throw new Error(`${what} has ${got.data[i]} at ${i}; expected ${number}`)
  })
}
