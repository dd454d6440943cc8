import type { Arrangement } from '../../plan/arrange-weights.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32, f32x4, type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuKernel, CpuStep, KernelEmitter } from '../kernel.ts'
import { packedWidth, type RightLayout, vectorBlocks } from './register-block.ts'

/** The right matrix of a product, [inner, columns rounded up to whole vectors], as its inner loop reads it. */
export interface RightMatrix {
  readonly inner: number
  readonly columns: number
  readonly layout: RightLayout
  /** Of four columns, in a block; as vectorBlocks chooses them unless given. */
  readonly vectors?: number
}

/** Two vectors beside four rows: eight sums, all that x86 has registers for beside what is loaded. */
export const panelVectors = 2

export function panelBytes({ inner, columns }: { readonly inner: number; readonly columns: number }): number {
  return inner * packedWidth(columns) * 4
}

/** From the matrix's begin to a block whose first column is `column` bytes into a row. */
export function columnBytes({ layout, inner }: RightMatrix, column: I32): I32 {
  return layout === 'rows' ? column : i32.mul(column, i32.const(inner))
}

/** From one row of a block of so many vectors to the next. */
export function rowBytes({ layout, columns }: RightMatrix, vectors: number): number {
  return layout === 'rows' ? packedWidth(columns) * 4 : vectors * 16
}

/** Matrices [inner, columns], one behind the other, or [columns, inner] where they are transposed. */
export interface Matrices {
  readonly inner: number
  readonly columns: number
  readonly isTransposed: boolean
  readonly count: number
}

export function inPanels({ inner, columns }: Matrices): RightMatrix {
  return { inner, columns, layout: 'panels', vectors: panelVectors }
}

/** How a step's right matrices are arranged before it: see arrange-weights.ts. */
export function panelArrangement(input: string, matrices: Matrices): Arrangement {
  const floats = (panelBytes(matrices) / 4) * matrices.count
  return { input, kernel: 'packPanels', attributes: { ...matrices }, floats }
}

/** Address of a step's right matrices in panels: they may be arranged already, else it copies them in every run. */
export function panelsOf(step: CpuStep, input: string, matrices: Matrices, emitter: KernelEmitter): number {
  const { address } = step.inputs[input]
  if ('arranged' in step.attributes) return address
  const panels = emitter.workspace(panelBytes(matrices) * matrices.count)
  pack(emitter, matrices, address, panels)
  return panels
}

export const packPanels: CpuKernel = (step, emitter) => {
  const matrices = step.attributes as unknown as Matrices
  pack(emitter, matrices, step.inputs.x.address, step.outputs[0].address)
}

function pack(emitter: KernelEmitter, matrices: Matrices, from: number, to: number): void {
  const { inner, columns, count } = matrices
  const right = inPanels(matrices)
  const bytes = panelBytes(right)
  const [rowStride, columnStride] = matrices.isTransposed ? [4, inner * 4] : [columns * 4, 4]
  emitter.phase(count * inner, 0, (body, unit) => {
    const source = body.local('i32', i32.const(from))
    const target = body.local('i32', i32.const(to))
    const row = body.local('i32', unit)
    if (count > 1) {
      const matrix = body.local('i32', i32.divU(unit, i32.const(inner)))
      body.set(row, i32.remU(unit, i32.const(inner)))
      body.advance(source, i32.mul(matrix, i32.const(inner * columns * 4)))
      body.advance(target, i32.mul(matrix, i32.const(bytes)))
    }
    body.advance(source, i32.mul(row, i32.const(rowStride)))
    packRow(body, right, { row, source, target }, columnStride)
  })
}

/** `source`: the row's first number; `target`: the first panel. */
function packRow(
  body: FunctionBody,
  { inner, columns, vectors: wanted }: RightMatrix,
  { row, source, target }: { readonly row: I32; readonly source: Local<'i32'>; readonly target: Local<'i32'> },
  columnStride: number,
): void {
  const missing = packedWidth(columns) - columns
  const blocks = vectorBlocks(columns, wanted)
  blocks.forEach(({ count, vectors }, run) => {
    const to = body.local('i32', i32.add(target, i32.mul(row, i32.const(vectors * 16))))
    const copy = (lanes: number) => {
      for (let first = 0; first < vectors * 4; first += 4) {
        if (columnStride === 4 && first + 4 <= lanes) body.store(to, f32x4.load(source, first * 4), first * 4)
        else
          for (let lane = first; lane < first + 4; lane++)
            body.store(to, lane < lanes ? f32.load(source, lane * columnStride) : f32.const(0), lane * 4)
      }
      body.advance(source, vectors * 4 * columnStride)
      body.advance(to, vectors * 16 * inner)
    }
    const cut = run === blocks.length - 1 && missing > 0 ? 1 : 0
    body.for(0, count - cut, 1, () => copy(vectors * 4))
    if (cut) copy(vectors * 4 - missing)
    body.advance(target, count * vectors * 16 * inner)
  })
}
