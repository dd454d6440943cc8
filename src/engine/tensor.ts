import { check, isListOf, isNumberArray, oneOf, shown } from './arguments.ts'
import { ArgumentError, LimelightError, ShapeError } from './errors.ts'

/**
 * A lazy tensor: a node of an expression graph that knows its type and how it is made, but holds no numbers. Graphs are
 * built by the functions in ops/, differentiated by gradients.ts, and run by planning them for a device (plan.ts).
 */

/** f32: numbers (float64 on the reference device). i32: indices, labels, bit masks. u8: stored pixels, only read by gather. */
export type DType = 'f32' | 'i32' | 'u8'
export type Shape = readonly number[]

export interface TensorType {
  readonly shape: Shape
  readonly dtype: DType
}

/** What an operation needs beside its inputs; plain data, so that a plan can be printed, compared and sent to a worker. */
export type Attributes = Readonly<Record<string, number | string | boolean | readonly number[]>>

/** Numbers as the reference device keeps them: float64, whatever the type. */
export interface ReferenceOperand extends TensorType {
  readonly data: Float64Array
}

/**
 * One kind of node. Methods, not function-typed fields: an operation that narrows its attributes still is an Operation.
 */
export interface Operation<A extends Attributes = Attributes> {
  readonly name: string
  /** Of its inputs, in order: what a plan's steps and kernels call them. '...part' stands for any number more: part0, part1, … */
  readonly inputNames: readonly string[]
  /** It stands in gradients only: whoever rounds a forward pass coarsely must keep all digits where one is. */
  readonly isGradient?: true
  /** The result's type. @throws ShapeError that names the operation and the shapes it got */
  infer(inputs: readonly TensorType[], attributes: A): TensorType
  /**
   * Of an operation whose result is a stretch of its input's memory: bytes from the input's first, or null where it is not. A
   * plan makes a view of it: no step, no copy.
   */
  viewOffset?(inputs: readonly TensorType[], attributes: A): number | null
  /**
   * One entry per input: a function that builds this input's gradient from the result's, called only if it is wanted;
   * null where no gradient flows (indices, piecewise constant functions). Absent: asking for a gradient is an error.
   */
  gradient?(node: Tensor, dy: Tensor, attributes: A): readonly ((() => Tensor) | null)[]
  /** Plain loops in float64: what every device is checked against. */
  reference(inputs: readonly ReferenceOperand[], output: ReferenceOperand, attributes: A): void
  /** Multiplications and additions, for plan.describe() and the benchmarks. One an output element unless given. */
  flops?(inputs: readonly TensorType[], output: TensorType, attributes: A): number
}

export class Tensor implements TensorType {
  readonly shape: Shape
  readonly dtype: DType

  constructor(
    readonly operation: Operation,
    readonly inputs: readonly Tensor[],
    readonly attributes: Attributes,
    type: TensorType,
  ) {
    this.shape = type.shape
    this.dtype = type.dtype
  }
}

/** Applies an operation: infers the type and makes the node. */
export function apply<A extends Attributes>(operation: Operation<A>, inputs: readonly Tensor[], attributes: A): Tensor {
  return new Tensor(operation, inputs, attributes, operation.infer(inputs, attributes))
}

function leaf(name: string): Operation {
  return {
    name,
    inputNames: [],
    infer() {
      throw new ShapeError(`${name} is a leaf: it has no inputs to infer its type from`)
    },
    reference() {
      throw new LimelightError(`${name} is a leaf: its values are given, no step computes them`)
    },
  }
}

const inputOperation = leaf('input')
const constantOperation = leaf('constant')
const residentOperation = leaf('resident')

/** A value given anew with every run of a plan, by name. */
export class Input extends Tensor {
  constructor(
    readonly name: string,
    shape: Shape,
    dtype: 'f32' | 'i32' = 'f32',
  ) {
    super(inputOperation, [], {}, { shape, dtype })
    checkLeaf('input', shape, dtype)
    if (typeof name !== 'string') throw new ArgumentError(`input: its name must be a text, not ${shown(name)}`)
  }
}

/** Numbers known when the graph is built; a single number fills the whole shape. */
export class Constant extends Tensor {
  constructor(
    readonly values: number | ArrayLike<number>,
    shape: Shape,
    dtype: 'f32' | 'i32' = 'f32',
  ) {
    super(constantOperation, [], {}, { shape, dtype })
    checkLeaf('constant', shape, dtype)
    if (typeof values !== 'number' && !isNumberArray(values) && !isNumberList(values))
      throw new ArgumentError(`constant: its values must be a number or numbers, not ${shown(values)}`)
    if (typeof values !== 'number' && values.length !== sizeOf(shape))
      throw new ShapeError(`constant: ${values.length} values given for shape ${formatShape(shape)}`)
  }
}

/**
 * A value that lives on the device between runs (a parameter, an optimizer's moment, a data set): bytes
 * [offset, offset + its size) of the memory block named `block`, bound when the plan is lowered.
 */
export class Resident extends Tensor {
  constructor(
    readonly block: string,
    readonly offset: number,
    shape: Shape,
    dtype: DType = 'f32',
  ) {
    super(residentOperation, [], {}, { shape, dtype })
    checkLeaf('resident', shape, dtype)
    if (typeof block !== 'string') throw new ArgumentError(`resident: its block must be a text, not ${shown(block)}`)
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw new ArgumentError(`resident: its offset must be a whole number of bytes, not ${shown(offset)}`)
  }
}

export function isNumberList(value: unknown): value is readonly number[] {
  return isListOf(value, (item) => typeof item === 'number')
}

export function constant(
  values: number | ArrayLike<number>,
  shape: Shape = [],
  dtype: 'f32' | 'i32' = 'f32',
): Constant {
  return new Constant(values, shape, dtype)
}

/** The value of a constant that is the same number everywhere: such constants fold, gradients start with them. */
export function uniformValue(tensor: Tensor): number | null {
  return tensor instanceof Constant && typeof tensor.values === 'number' && tensor.dtype === 'f32'
    ? tensor.values
    : null
}

/** Whether something is a list of extents, whose product is a number that can be counted to. */
export function isShape(value: unknown): value is Shape {
  return (
    isListOf<number>(value, (extent) => Number.isSafeInteger(extent) && Number(extent) >= 0) &&
    Number.isSafeInteger(sizeOf(value))
  )
}

function checkLeaf(name: string, shape: Shape, dtype: DType): void {
  if (!isShape(shape)) throw new ShapeError(`${name}: shape is ${shown(shape)}; expected a list of whole numbers`)
  check(name, dtypes, dtype, 'dtype')
}

const dtypes = oneOf<DType>('f32', 'i32', 'u8')

/** What is above is infinite. */
export const largestFloat32 = 3.4028234663852886e38

/** The nearest number that is finite in float32: kernels have numbers written in, where WGSL has no words for infinite ones. */
export function finiteFloat32(value: number): number {
  return Math.min(Math.max(value, -largestFloat32), largestFloat32)
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1)
}

export function byteLengthOf({ shape, dtype }: TensorType): number {
  return sizeOf(shape) * (dtype === 'u8' ? 1 : 4)
}

/** Operands start at multiples of this many bytes: WebGPU's alignment of bindings. */
export const alignment = 256

export function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment
}

/** @throws ShapeError when an operation on numbers is given indices or stored pixels */
export function requireFloat(name: string, inputs: readonly TensorType[]): void {
  for (const { dtype } of inputs)
    if (dtype !== 'f32') throw new ShapeError(`${name}: an input is of type ${dtype}; expected f32`)
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(',')}]`
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis])
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]
  }
  return strides
}
