import { LimelightError } from '../../errors.ts'
import { inUse, type Network } from '../../model/network.ts'
import { Constant, Input, Resident, type Shape, sizeOf, type Tensor } from '../../tensor.ts'
import { evaluate } from '../operators/evaluate.ts'
import { inOrder } from '../operators/value.ts'
import { OnnxBuilder, type Written, type WrittenTensor, type WrittenWeight } from './onnx-builder.ts'
import { operatorWriters } from './write-operators.ts'
import { onnxBytes } from './write-proto.ts'
import { producerName } from './written-by.ts'

/** Operators that ONNX Runtime has had since 2022. */
const opset = 17

const batchName = 'N'

export interface ExportOptions {
  /** Beside the network: texts by name. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Of the program that wrote it. */
  readonly version?: string
}

/**
 * A network as an ONNX model (opset 17, float32), which takes any batch: what its operations are, whatever it is made of. Inputs
 * and outputs keep their names and the order of their axes. What hangs on weights alone is computed, in float64, and written
 * as a weight.
 * @throws LimelightError for operations that ONNX has no words for, and for a network that takes its samples one by one
 */
export function networkToOnnx(
  network: Network,
  { metadata = {}, version = '' }: ExportOptions = {},
): Uint8Array<ArrayBuffer> {
  if (network.isOneByOne)
    throw new LimelightError('the network is made for one sample; only one that takes any batch is written as ONNX')
  const weights = network.parameters.map(({ name, shape }) => new Resident(name, 0, shape))
  const applied = (batch: number) => {
    const inputs = network.inputs.map(({ name, shape }) => new Input(name, [batch, ...shape]))
    return network.apply(inputs, weights, inUse).outputs
  }
  const [outputs, others] = [applied(2), applied(3)]
  const builder = new OnnxBuilder()
  const parameters = new Map<Tensor, Float32Array>(weights.map((weight, i) => [weight, network.parameters[i].data]))
  const writing = new GraphWriting(builder, parameters, network.inputs[0].name)
  outputs.forEach((output, i) => {
    const written = writing.write(output, others[i])
    const name = builder.asOurs(written, output.shape.length)
    builder.rename({ kind: 'tensor', name, order: inOrder(output.shape.length) }, network.outputs[i].name)
  })
  const port = ({ name, shape }: Network['inputs'][number]) => ({ name, shape: [batchName, ...shape] })
  return onnxBytes({
    producer: producerName,
    version,
    opset,
    nodes: builder.nodes,
    initializers: builder.usedInitializers(),
    inputs: network.inputs.map(port),
    outputs: network.outputs.map(port),
    metadata,
  })
}

/** A graph on its way into a file, and its twin for another batch: where their extents differ is the batch. */
class GraphWriting {
  private readonly written = new Map<Tensor, Written>()
  private readonly twins = new Map<Tensor, Tensor>()
  private readonly known = new Map<Tensor, boolean>()
  private batch: string | null = null

  constructor(
    private readonly builder: OnnxBuilder,
    private readonly parameters: ReadonlyMap<Tensor, Float32Array>,
    private readonly input: string,
  ) {}

  write(output: Tensor, twin: Tensor): Written {
    const pending = [[output, twin] as const]
    // Without recursion: a network may be deeper than the stack.
    for (let next = pending.at(-1); next; next = pending.at(-1)) {
      const [tensor, other] = next
      this.twins.set(tensor, other)
      const missing = this.isWeight(tensor)
        ? []
        : tensor.inputs.flatMap((input, i) => (this.written.has(input) ? [] : [[input, other.inputs[i]] as const]))
      if (missing.length > 0 && !this.written.has(tensor)) {
        pending.push(...missing)
        continue
      }
      if (!this.written.has(tensor)) this.written.set(tensor, this.made(tensor))
      pending.pop()
    }
    return this.of(output)
  }

  private of(tensor: Tensor): Written {
    const written = this.written.get(tensor)
    if (written) return written
    throw new LimelightError(`${tensor.operation.name} was to be written before it was needed`)
  }

  private made(tensor: Tensor): Written {
    if (tensor instanceof Input) return { kind: 'tensor', name: tensor.name, order: inOrder(tensor.shape.length) }
    if (this.isWeight(tensor)) return this.weight(tensor) ?? this.repeated(tensor)
    const write = operatorWriters[tensor.operation.name]
    if (!write) throw new LimelightError(`the operation ${tensor.operation.name} can not be written as ONNX`)
    return write({
      builder: this.builder,
      tensor,
      inputs: tensor.inputs.map((input) => this.of(input)),
      batchAxis: (one) => this.batchAxis(one),
      shapeOfBatch: (one) => this.shapeOfBatch(one),
    })
  }

  /** Written as numbers: what hangs on weights alone, and is the same for every batch. */
  private isWeight(tensor: Tensor): boolean {
    return this.isKnown(tensor) && (tensor.inputs.length === 0 || this.batchAxis(tensor) === null)
  }

  /** Whether nothing but weights and constants is needed for it. */
  private isKnown(tensor: Tensor): boolean {
    const pending = [tensor]
    for (let next = pending.at(-1); next; next = pending.at(-1)) {
      const missing = next.inputs.filter((input) => !this.known.has(input))
      if (missing.length > 0) {
        pending.push(...missing)
        continue
      }
      const isLeaf = next instanceof Constant || this.parameters.has(next)
      this.known.set(next, isLeaf || (next.inputs.length > 0 && next.inputs.every((input) => this.known.get(input))))
      pending.pop()
    }
    return this.known.get(tensor) ?? false
  }

  /** null for numbers that hang on the batch. */
  private weight(tensor: Tensor): WrittenWeight | null {
    const { shape, dtype } = tensor
    const name = tensor instanceof Resident ? tensor.block : `known_${this.written.size}`
    const own = this.parameters.get(tensor)
    if (own) return { kind: 'weight', name, shape, data: own }
    if (this.batchAxis(tensor) !== null) return null
    const data = evaluate(tensor, this.parameters)
    return { kind: 'weight', name, shape, data: dtype === 'i32' ? Int32Array.from(data) : Float32Array.from(data) }
  }

  /** Numbers that are the same for each sample, a class token say: those of one, as often as there are samples. */
  private repeated(tensor: Tensor): WrittenTensor {
    const { builder } = this
    const [axis, twin] = [this.batchAxis(tensor) ?? 0, this.twins.get(tensor)]
    const one = twin && numbersOfEach(tensor, twin, axis)
    if (!one) {
      const extents = tensor.shape.map((extent, i) => (i === axis ? batchName : extent)).join(',')
      throw new LimelightError(
        `numbers of shape [${extents}] that are not the same for each sample can not be written as ONNX`,
      )
    }
    const shape = tensor.shape.with(axis, 1)
    const data = tensor.dtype === 'i32' ? Int32Array.from(one) : Float32Array.from(one)
    const sample = builder.initializer(`known_${this.written.size}`, shape, data)
    return builder.node('Expand', [sample, this.shapeOfBatch(tensor)], inOrder(shape.length))
  }

  private batchAxis(tensor: Tensor): number | null {
    const other = this.twins.get(tensor)
    const axis = other ? tensor.shape.findIndex((extent, i) => extent !== other.shape[i]) : -1
    return axis < 0 ? null : axis
  }

  private shapeOfBatch(tensor: Tensor): string {
    const { builder } = this
    const axis = this.batchAxis(tensor)
    if (axis === null) return builder.integers(tensor.shape)
    if (tensor.operation.name === 'reshape') return builder.integers(tensor.shape.with(axis, -1))
    if (tensor.shape[axis] !== 2) throw new LimelightError('a batch that is stretched can not be written as ONNX')
    this.batch ??= this.batchExtent()
    const parts = [tensor.shape.slice(0, axis), null, tensor.shape.slice(axis + 1)]
    const names = parts.flatMap((part) =>
      part === null ? [this.batch ?? ''] : part.length > 0 ? [builder.integers(part)] : [],
    )
    return builder.node('Concat', names, [0], { axis: 0 }).name
  }

  /** A list of one number: how many samples are given. */
  private batchExtent(): string {
    const { builder } = this
    const shape = builder.node('Shape', [this.input], [0])
    return builder.node('Gather', [shape.name, builder.integers([0])], [0], { axis: 0 }).name
  }
}

/** Numbers of a sample, where all of both batches have the same; null where they have not. The samples lie along an axis. */
function numbersOfEach(tensor: Tensor, twin: Tensor, axis: number): Float64Array | null {
  const isSample = (shape: Shape) => shape.every((extent, i) => (i === axis ? extent > 0 : extent === tensor.shape[i]))
  if (!isSample(twin.shape) || !isSample(tensor.shape)) return null
  const inner = sizeOf(tensor.shape.slice(axis + 1))
  const one = new Float64Array(sizeOf(tensor.shape) / tensor.shape[axis])
  const placeOf = (i: number, extent: number) => Math.floor(i / (extent * inner)) * inner + (i % inner)
  const numbers = evaluate(tensor)
  for (let i = numbers.length - 1; i >= 0; i--) one[placeOf(i, tensor.shape[axis])] = numbers[i]
  const isOne = (data: Float64Array, extent: number) =>
    data.every((value, i) => Object.is(value, one[placeOf(i, extent)]))
  return isOne(numbers, tensor.shape[axis]) && isOne(evaluate(twin), twin.shape[axis]) ? one : null
}
