import type { PlanOperand, PlanStep } from '../plan/plan.ts'
import { byteLengthOf, type DType, type Shape, sizeOf } from '../tensor.ts'
import { expand } from './expand.ts'

/**
 * How a plan's step becomes WGSL. Terms:
 * - dispatch: one launch of one kernel. A step is one dispatch, or two where partial sums are combined.
 * - header: what is put before a kernel's .wgsl file: its sizes as `const`, its bindings, and generated functions (an
 *   elementwise row, the loads of a tensor whose rows may or may not be whole vec4s). Everything about shapes is in it,
 *   and two steps of equal source share a pipeline.
 * - scratch: memory of the program that lives as long as one step, for partial sums.
 * - candidate: one of several ways to run a step, all right and some faster: tile sizes, and how weights are loaded.
 */
export interface Dispatch {
  readonly kernel: string
  readonly bindings: readonly Binding[]
  readonly constants: Constants
  /** Generated or shared functions, before the kernel's own. */
  readonly functions: readonly string[]
  readonly code: string
  /** Invocations wanted; kernels return early beyond THREADS. */
  readonly threads: number
  /** Rows of workgroups that all do so many threads; at.group.y tells them apart. 1 unless given. */
  readonly layers?: number
  /** Invocations of a workgroup; 64 unless given. */
  readonly workgroupSize?: number
  /** It hands values round in subgroups. */
  readonly subgroups?: boolean
  /** It computes with f16. */
  readonly half?: boolean
}

export interface Binding {
  readonly name: string
  readonly operand: PlanOperand
  /** `uniform`: read by all lanes at the same place, which many adapters do faster; at most 64 KiB of vec4f. */
  readonly access: 'read' | 'write' | 'uniform'
  /** The WGSL type of the array's elements, where it is not the operand's own. */
  readonly element?: string
}

/** Numbers become u32; other types are written as WGSL (see i32, f32). */
export type Constants = Readonly<Record<string, number | boolean | string>>

/** What kernels must know of an adapter. */
export interface AdapterTraits {
  /** Lanes of a subgroup, where subgroups are offered and all of one size; else 0. */
  readonly lanes: number
  readonly maxUniformBytes: number
  /** It computes on the processor: loads cost most, and one thread can't have too many sums. */
  readonly isSoftware: boolean
}

export interface Candidate {
  /** Short, stable: remembered from one run to the next. */
  readonly name: string
}

export interface LoweringContext {
  readonly adapter: AdapterTraits
  /** The candidate that tuning found best, else the first. */
  choose<T extends Candidate>(candidates: readonly T[]): T
}

/** A row of the lowering table: what a plan's step of one kernel is run as. */
export type Lowering = (step: PlanStep, context: LoweringContext) => Dispatch[]

const defaultWorkgroupSize = 64
const maxGroups = 65535

/** Scratch starts anew with every step. */
export function scratch(shape: Shape, offset = 0): PlanOperand {
  return { shape, dtype: 'f32', space: 'scratch', offset }
}

export function i32(value: number): string {
  return `${value}i`
}

export function f32(value: number): string {
  return `${Math.fround(value)}f`
}

const elementTypes: Readonly<Record<DType, string>> = { f32: 'f32', i32: 'i32', u8: 'u32' }

export function elementType(dtype: DType): string {
  return elementTypes[dtype]
}

export function read(name: string, operand: PlanOperand, element?: string): Binding {
  return { name, operand, access: 'read', element }
}

export function write(name: string, operand: PlanOperand, element?: string): Binding {
  return { name, operand, access: 'write', element }
}

/** Workgroups in x, y and z: what does not fit into x, which ends at 65535, goes on in z; y counts layers. */
export function gridOf({
  threads,
  workgroupSize = defaultWorkgroupSize,
  layers = 1,
}: Dispatch): readonly [number, number, number] {
  const groups = Math.ceil(threads / workgroupSize)
  const rows = Math.ceil(groups / maxGroups)
  return [Math.ceil(groups / rows), layers, rows]
}

/** Bytes to bind: storage is addressed in words. */
export function boundBytes(operand: PlanOperand): number {
  return Math.max(4, Math.ceil(byteLengthOf(operand) / 4) * 4)
}

/** How a binding is bound: what lies in a buffer that the dispatch writes can only be bound read_write. */
export type BindingKind = 'read' | 'read_write' | 'uniform'

/**
 * The whole WGSL module. Constants that it does not name are left out: kernels that ask their results how many images there
 * are (countImages) are the same for all batches, and compiled once.
 */
export function sourceOf(dispatch: Dispatch, kinds: readonly BindingKind[]): string {
  const constants = {
    ...dispatch.constants,
    WORKGROUP_SIZE: dispatch.workgroupSize ?? defaultWorkgroupSize,
    THREADS: dispatch.threads,
  }
  const code = expand(dispatch.code, constants)
  const named = new Set([...dispatch.functions, code].join('\n').match(/\b[A-Z][A-Z0-9_]*\b/g))
  return [
    ...(dispatch.half ? ['enable f16;'] : []),
    ...(dispatch.subgroups ? ['enable subgroups;'] : []),
    `struct Invocation {
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,${dispatch.subgroups ? '\n  @builtin(subgroup_invocation_id) subgroupLane: u32,' : ''}
}`,
    ...Object.entries(constants)
      .filter(([name]) => named.has(name))
      .map(([name, value]) => `const ${name} = ${typeof value === 'number' ? `${value}u` : value};`),
    ...dispatch.bindings.map((binding, index) => declare(binding, index, kinds[index])),
    ...dispatch.functions,
    code,
  ].join('\n')
}

function declare({ name, operand, element }: Binding, index: number, kind: BindingKind): string {
  const space = kind === 'uniform' ? 'uniform' : `storage, ${kind}`
  const type =
    kind === 'uniform'
      ? `array<vec4f, ${sizeOf(operand.shape) / 4}>`
      : `array<${element ?? elementType(operand.dtype)}>`
  return `@group(0) @binding(${index}) var<${space}> ${name}: ${type};`
}

/**
 * A tensor seen as rows of `width` numbers, four of which are moved at once. Its binding, and the functions that kernels
 * call: load_<name>4(row, group) and load_<name>(row, column); numbers beyond a row's end are 0.
 */
export interface RowAccess {
  readonly binding: Binding
  readonly functions: string
}

export function loadRows(name: string, operand: PlanOperand, width: number): RowAccess {
  if (width % 4 === 0)
    return {
      binding: read(name, operand, 'vec4f'),
      functions: `fn load_${name}4(row: u32, group: u32) -> vec4f { return ${name}[row * ${width / 4}u + group]; }
fn load_${name}(row: u32, column: u32) -> f32 { return ${name}[row * ${width / 4}u + column / 4u][column % 4u]; }`,
    }
  return loadSingly(name, operand, width)
}

/** The same, bound as single numbers: where load_<name> is what counts. */
export function loadSingly(name: string, operand: PlanOperand, width: number): RowAccess {
  return { binding: read(name, operand), functions: loadScalarRows(name, width) }
}

function loadScalarRows(name: string, width: number): string {
  return `fn load_${name}(row: u32, column: u32) -> f32 { return ${name}[row * ${width}u + column]; }
${gatherFour(name, width)}`
}

/** load_<name>4 made of four calls of load_<name>. */
export function gatherFour(name: string, width: number): string {
  return `fn load_${name}4(row: u32, group: u32) -> vec4f {
  let column = vec4u(group * 4u) + vec4u(0u, 1u, 2u, 3u);
  let safe = min(column, vec4u(${width - 1}u));
  let four = vec4f(load_${name}(row, safe.x), load_${name}(row, safe.y), load_${name}(row, safe.z), load_${name}(row, safe.w));
  return select(vec4f(0.0), four, column < vec4u(${width}u));
}`
}

/** `fn image_count() -> u32`: of results y [N, …, width] that storeRows binds, each of so many numbers. */
export function countImages(numbers: number, width: number): string {
  return `fn image_count() -> u32 { return arrayLength(&y) / ${width % 4 === 0 ? numbers / 4 : numbers}u; }`
}

/** The counterpart for results: store_<name>4(row, group, four). */
export function storeRows(name: string, operand: PlanOperand, width: number): RowAccess {
  if (width % 4 === 0)
    return {
      binding: write(name, operand, 'vec4f'),
      functions: `fn store_${name}4(row: u32, group: u32, four: vec4f) { ${name}[row * ${width / 4}u + group] = four; }`,
    }
  return {
    binding: write(name, operand),
    functions: `fn store_${name}4(row: u32, group: u32, four: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    if (group * 4u + i < ${width}u) { ${name}[row * ${width}u + group * 4u + i] = four[i]; }
  }
}`,
  }
}

/**
 * `fn <name>(i) -> u32`: where element i of a tensor of shape `to` is read in another, whose strides along the axes of `to` may
 * be 0, where it is stretched, or negative.
 */
export function stridedIndex(name: string, strides: readonly number[], to: Shape, offset = 0): string {
  const terms: string[] = []
  let inner = sizeOf(to)
  strides.forEach((stride, axis) => {
    const outer = inner
    inner /= Math.max(to[axis], 1)
    if (stride === 0 || to[axis] === 1) return
    const turned = inner === 1 ? 'i' : `i / ${inner}u`
    const coordinate = outer === sizeOf(to) ? turned : `${inner === 1 ? 'i' : `(${turned})`} % ${to[axis]}u`
    const distance = Math.abs(stride) === 1 ? `(${coordinate})` : `(${coordinate}) * ${Math.abs(stride)}u`
    terms.push(`${stride < 0 ? '- ' : '+ '}${distance}`)
  })
  const start = offset > 0 ? `${offset}u ` : ''
  const index = `${start}${terms.join(' ')}`.replace(/^\+ /, '') || '0u'
  return `fn ${name}(i: u32) -> u32 { return ${index}; }`
}
