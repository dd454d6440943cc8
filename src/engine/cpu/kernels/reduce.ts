import { type ReduceAttributes, reduceExtents } from '../../ops/reduction.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { type F64, f32, f32x4, f64, f64x2, i32, type Local, type V128 } from '../../wasm/instructions.ts'
import type { CpuKernel, CpuStep, KernelEmitter } from '../kernel.ts'

function extentsOf(step: CpuStep) {
  return reduceExtents(step.inputs.x.shape, step.attributes as unknown as ReduceAttributes)
}

/** Running sums a thread keeps in registers. */
const sumsInRegisters = 8

/**
 * Sums in float64: a bias's gradient adds up hundreds of thousands of numbers. Long sums are cut into slices of rows that
 * are added in order, so the result does not depend on who computed which. A slice reads its rows once for every few
 * columns, two numbers at a time if their count is even. `l2` adds up squares, and takes the root.
 */
function sumKernel(name: 'sum' | 'l2'): CpuKernel {
  const isSum = name === 'sum'
  return (step, emitter) => {
    const { x } = step.inputs
    const [y] = step.outputs
    const [outer, reduced, inner] = extentsOf(step)
    const slices = Math.min(16, Math.ceil(reduced / 1024))
    const sliceRows = Math.ceil(reduced / slices)
    const width = inner % 2 === 0 ? 2 : 1
    const columns = inner / width
    const block = Math.min(columns, sumsInRegisters)
    const partial = emitter.workspace(outer * slices * inner * 8)
    emitter.phase(outer * slices, 0, (body, unit) => {
      const first = body.local('i32', i32.mul(i32.remU(unit, i32.const(slices)), i32.const(sliceRows)))
      const rows = body.local('i32', i32.sub(i32.const(reduced), first))
      body.if(i32.ltS(i32.const(sliceRows), rows), () => body.set(rows, i32.const(sliceRows)))
      const outerRow = i32.mul(i32.divU(unit, i32.const(slices)), i32.const(reduced))
      const start = body.local('i32', i32.mul(i32.add(outerRow, first), i32.const(inner * 4)))
      const totals = body.local('i32', i32.mul(unit, i32.const(inner * 8)))
      const from = body.local('i32')
      const emitBlock = (count: number) => {
        body.set(from, start)
        const keep = (result: V128 | F64, i: number) => body.store(totals, result, partial + i * width * 8)
        if (width === 2) {
          const sums = Array.from({ length: count }, () => body.local('v128', f32x4.const(0)))
          const two = isSum ? null : body.local('v128')
          body.for(i32.const(0), rows, 1, () => {
            sums.forEach((sum, i) => {
              const loaded = f64x2.loadPromoted(from, x.address + i * 8)
              if (two) body.set(two, loaded)
              body.set(sum, f64x2.add(sum, two ? f64x2.mul(two, two) : loaded))
            })
            body.advance(from, inner * 4)
          })
          sums.forEach(keep)
        } else {
          const sums = Array.from({ length: count }, () => body.local('f64', f64.const(0)))
          const one = isSum ? null : body.local('f64')
          body.for(i32.const(0), rows, 1, () => {
            sums.forEach((sum, i) => {
              const loaded = f64.fromF32(f32.load(from, x.address + i * 4))
              if (one) body.set(one, loaded)
              body.set(sum, f64.add(sum, one ? f64.mul(one, one) : loaded))
            })
            body.advance(from, inner * 4)
          })
          sums.forEach(keep)
        }
        body.advance(start, count * width * 4)
        body.advance(totals, count * width * 8)
      }
      body.for(0, Math.floor(columns / block), 1, () => emitBlock(block))
      if (columns % block > 0) emitBlock(columns % block)
    })
    emitter.phase(outer, 0, (body, unit) => {
      const to = body.local('i32', i32.mul(unit, i32.const(inner * 4)))
      const first = body.local('i32', i32.mul(unit, i32.const(slices * inner * 8)))
      body.for(0, inner, 1, () => {
        const from = body.local('i32', first)
        const total = body.local('f64', f64.const(0))
        body.for(0, slices, 1, () => {
          body.set(total, f64.add(total, f64.load(from, partial)))
          body.advance(from, inner * 8)
        })
        body.store(to, f32.fromF64(isSum ? total : f64.sqrt(total)), y.address)
        body.advance(to, 4)
        body.advance(first, 8)
      })
    })
  }
}

/** Visits each folded line of numbers in turn: `emit` writes its code, given the bytes to the line's first number and its result. */
function forEachLine(
  step: CpuStep,
  emitter: KernelEmitter,
  emit: (body: FunctionBody, from: Local<'i32'>, to: Local<'i32'>) => void,
): void {
  const [outer, reduced, inner] = extentsOf(step)
  emitter.phase(outer, 0, (body, unit) => {
    const first = body.local('i32', i32.mul(unit, i32.const(reduced * inner * 4)))
    const to = body.local('i32', i32.mul(unit, i32.const(inner * 4)))
    body.for(0, inner, 1, () => {
      emit(body, body.local('i32', first), to)
      body.advance(first, 4)
      body.advance(to, 4)
    })
  })
}

/** Keeps the extremum of each line, or its index. The first of equals wins. */
function extremum(name: 'max' | 'min' | 'argMax'): CpuKernel {
  const isBetter = name === 'min' ? f32.lt : f32.gt
  const better = name === 'min' ? f32.min : f32.max
  return (step, emitter) => {
    const { x } = step.inputs
    const [y] = step.outputs
    const [, reduced, inner] = extentsOf(step)
    forEachLine(step, emitter, (body, from, to) => {
      const best = body.local('f32', f32.load(from, x.address))
      const index = body.local('i32', i32.const(0))
      const value = body.local('f32')
      body.for(0, reduced, 1, (position) => {
        body.set(value, f32.load(from, x.address))
        body.if(isBetter(value, best), () => body.set(index, position))
        // Not a comparison: a NaN must not disappear.
        body.set(best, better(best, value))
        body.advance(from, inner * 4)
      })
      body.store(to, name === 'argMax' ? index : best, y.address)
    })
  }
}

/** Products in float64: they leave float32's range on the way more often than at the end. */
export const product: CpuKernel = (step, emitter) => {
  const { x } = step.inputs
  const [y] = step.outputs
  const [, reduced, inner] = extentsOf(step)
  forEachLine(step, emitter, (body, from, to) => {
    const total = body.local('f64', f64.const(1))
    body.for(0, reduced, 1, () => {
      body.set(total, f64.mul(total, f64.fromF32(f32.load(from, x.address))))
      body.advance(from, inner * 4)
    })
    body.store(to, f32.fromF64(total), y.address)
  })
}

export const sum = sumKernel('sum')
export const l2 = sumKernel('l2')
export const max = extremum('max')
export const min = extremum('min')
export const argMax = extremum('argMax')
