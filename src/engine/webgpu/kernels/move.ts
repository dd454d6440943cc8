import broadcastCode from '../../../shaders/broadcast.wgsl?raw'
import concatCode from '../../../shaders/concat.wgsl?raw'
import padCode from '../../../shaders/pad.wgsl?raw'
import { concatRuns } from '../../ops/concat.ts'
import { type padWalk, sliceWalk } from '../../ops/slice-and-pad.ts'
import type { Walk } from '../../ops/strided.ts'
import { transposeWalk } from '../../ops/transpose.ts'
import { type Attributes, type Shape, sizeOf, stridesOf } from '../../tensor.ts'
import { type Dispatch, elementType, f32, i32, type Lowering, read, stridedIndex, write } from '../dispatch.ts'

/** Kernels that move numbers and change none. */

/** The result is read along a walk through x. */
function lowerReadAlong<A extends Attributes>(walkOf: (shape: Shape, attributes: A) => Walk): Lowering {
  return ({ kernel, inputs: { x }, outputs: [y], attributes }) => {
    const { offset, strides } = walkOf(x.shape, attributes as A)
    return [
      {
        kernel,
        bindings: [read('x', x), write('y', y)],
        constants: {},
        functions: [stridedIndex('indexOfX', strides, y.shape, offset)],
        code: broadcastCode,
        threads: sizeOf(y.shape),
      },
    ]
  }
}

/**
 * `fn indexOfX(i) -> u32`: which element of x element i of the padded result is, or NONE. What lies before x wraps round to a
 * large number, so that one comparison tells both sides.
 */
function paddedIndex(x: Shape, y: Shape, attributes: Parameters<typeof padWalk>[1]): string {
  const { before, between } = attributes
  const [own, outer] = [stridesOf(x), stridesOf(y)]
  const lines = y.flatMap((extent, axis) => {
    const step = between[axis] + 1
    const reach = Math.max(0, (x[axis] - 1) * step + 1)
    return [
      `let c${axis} = (i / ${outer[axis]}u) % ${extent}u - ${before[axis]}u;`,
      `if (c${axis} >= ${reach}u${step > 1 ? ` || c${axis} % ${step}u != 0u` : ''}) { return NONE; }`,
    ]
  })
  const terms = y.map((_, axis) => `c${axis} / ${between[axis] + 1}u * ${own[axis]}u`)
  return `fn indexOfX(i: u32) -> u32 {
  ${lines.join('\n  ')}
  return ${terms.join(' + ') || '0u'};
}`
}

const lowerPad: Lowering = ({ kernel, inputs: { x }, outputs: [y], attributes }) => {
  const value = Number(attributes.value)
  return [
    {
      kernel,
      bindings: [read('x', x), write('y', y)],
      constants: { COUNT: Math.max(1, sizeOf(x.shape)), VALUE: y.dtype === 'i32' ? i32(value) : f32(value) },
      functions: [paddedIndex(x.shape, y.shape, attributes as Parameters<typeof padWalk>[1])],
      code: padCode,
      threads: sizeOf(y.shape),
    },
  ]
}

/** A dispatch binds eight storage buffers at most on every adapter: the result, and these. */
const partsAtOnce = 7

const lowerConcat: Lowering = ({ kernel, inputs, outputs: [y], attributes }) => {
  const given = Object.values(inputs)
  const runs = concatRuns(
    given.map(({ shape }) => shape),
    Number(attributes.axis),
  )
  const parts = runs.parts.map((part, index) => ({ ...part, operand: given[index] })).filter(({ length }) => length > 0)
  const dispatches: Dispatch[] = []
  for (let start = 0; start < parts.length; start += partsAtOnce) {
    const some = parts.slice(start, start + partsAtOnce)
    const [{ first }] = some
    const cases = some.map((part, index) => {
      const from = `return part${index}[outer * ${part.length}u + position - ${part.first - first}u];`
      return index === some.length - 1 ? from : `if (position < ${part.first - first + part.length}u) { ${from} }`
    })
    const length = some.reduce((sum, part) => sum + part.length, 0)
    dispatches.push({
      kernel,
      bindings: [...some.map(({ operand }, index) => read(`part${index}`, operand)), write('y', y)],
      constants: { RUN: runs.run, FIRST: first, LENGTH: length },
      functions: [`fn partAt(outer: u32, position: u32) -> ${elementType(y.dtype)} {\n  ${cases.join('\n  ')}\n}`],
      code: concatCode,
      threads: runs.outer * length,
    })
  }
  return dispatches
}

export const moveLowerings = {
  transpose: lowerReadAlong(transposeWalk),
  slice: lowerReadAlong(sliceWalk),
  pad: lowerPad,
  concat: lowerConcat,
} satisfies Record<string, Lowering>
