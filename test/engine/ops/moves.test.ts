import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { mul, relu } from '../../../src/engine/ops/elementwise.ts'
import { ops } from '../../../src/engine/ops/public.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Constant, constant, Input, type Shape, sizeOf, type Tensor } from '../../../src/engine/tensor.ts'

const device = new ReferenceDevice()

/** 0, 1, 2, … */
function counted(shape: Shape): Constant {
  return new Constant(
    Array.from({ length: sizeOf(shape) }, (_, i) => i),
    shape,
  )
}

async function valuesOf(y: Tensor): Promise<number[]> {
  return [...(await compute(device, { outputs: { y } })).y]
}

function kernelsOf(...outputs: readonly Tensor[]): string[] {
  const named = Object.fromEntries(outputs.map((output, i) => [`y${i}`, output]))
  return makePlan({ outputs: named }, new Set()).steps.map(({ kernel }) => kernel)
}

// Expected numbers are NumPy's.
describe('slice follows NumPy', () => {
  const x = counted([10])
  it('counts negative indices from the end, and cuts off what is beyond it', async () => {
    expect(await valuesOf(ops.slice(x, { begin: [-3], end: [100] }))).toEqual([7, 8, 9])
    expect(await valuesOf(ops.slice(x, { begin: [2], end: [-6] }))).toEqual([2, 3])
    expect(ops.slice(x, { begin: [7], end: [3] }).shape).toEqual([0])
  })
  it('goes backwards in negative steps', async () => {
    expect(await valuesOf(ops.slice(x, { steps: [-4] }))).toEqual([9, 5, 1])
    expect(await valuesOf(ops.slice(x, { begin: [6], end: [2], steps: [-2] }))).toEqual([6, 4])
    expect(await valuesOf(ops.slice(x, { begin: [1], end: [-11], steps: [-1] }))).toEqual([1, 0])
  })
  it('takes so many as are asked for', async () => {
    expect(await valuesOf(ops.slice(x, { begin: [-2], size: [3], steps: [-3] }))).toEqual([8, 5, 2])
    expect(ops.slice(counted([4, 6]), { size: [2] }).shape).toEqual([2, 6])
  })
  it('says what it can not take', () => {
    expect(() => ops.slice(x, { begin: [8], size: [3] })).toThrow(
      new ShapeError('slice: 3 elements from 8 on in steps of 1 asked of axis 0 of [10]'),
    )
    expect(() => ops.slice(x, { steps: [0] })).toThrow('slice: a step of 0 along axis 0; expected another number')
    expect(() => ops.slice(x, { begin: [0, 0] })).toThrow(ShapeError)
    expect(() => ops.slice(x, { size: [-1] })).toThrow(ShapeError)
    expect(() => ops.slice(x, { end: [2], size: [2] })).toThrow(ArgumentError)
    expect(() => ops.slice(x, { begin: [0.5] })).toThrow(ArgumentError)
  })
})

describe('pad follows NumPy', () => {
  const x = counted([3])
  it('mirrors at the outermost element, or repeats it', async () => {
    expect(await valuesOf(ops.pad(x, [[2, 1]], { mode: 'reflect' }))).toEqual([2, 1, 0, 1, 2, 1])
    expect(await valuesOf(ops.pad(x, [[2, 1]], { mode: 'edge' }))).toEqual([0, 0, 0, 1, 2, 2])
    expect(await valuesOf(ops.pad(x, [[1, 2]], { value: 9 }))).toEqual([9, 0, 1, 2, 9, 9])
  })
  it('cuts off at negative margins', async () => {
    expect(await valuesOf(ops.pad(x, [[-1, 1]]))).toEqual([1, 2, 0])
  })
  it('gives an element all gradients of what shows it', async () => {
    const upstream = counted([6])
    for (const [mode, expected] of [
      // Outputs 2, 1, 0, 1, 2, 1 and 0, 0, 0, 1, 2, 2 of the inputs.
      ['reflect', [2, 1 + 3 + 5, 0 + 4]],
      ['edge', [0 + 1 + 2, 3, 4 + 5]],
    ] as const) {
      const given = new Input('x', [3])
      const [slope] = gradients(ops.sum(mul(ops.pad(given, [[2, 1]], { mode }), upstream)), [given])
      const { y } = await compute(device, { outputs: { y: slope } }, { x: Float32Array.of(1, 2, 3) })
      expect([...y]).toEqual(expected)
    }
  })
  it('says what it can not do', () => {
    expect(() => ops.pad(x, [[3, 0]], { mode: 'reflect' })).toThrow(
      new ShapeError('pad: 3 elements to mirror along axis 0 of [3]; expected at most 2'),
    )
    expect(() => ops.pad(counted([0]), [[1, 0]], { mode: 'edge' })).toThrow('has no element to repeat')
    expect(() => ops.pad(x, [[-2, -2]])).toThrow('cut off more than [3] has')
    expect(() => ops.pad(x, [])).toThrow('pad: 0 margins given for [3]; expected one for each axis')
    expect(() => ops.pad(x, [[1, 1]], { value: Number.NEGATIVE_INFINITY })).toThrow(ArgumentError)
    expect(() => ops.pad(new Input('i', [2], 'i32'), [[1, 1]], { value: 0.5 })).toThrow(ArgumentError)
  })
})

describe('concat, stack, split, transpose, squeeze and expand', () => {
  it('name the shapes that do not fit', () => {
    const [a, b] = [counted([2, 3]), counted([3, 3])]
    expect(ops.concat([a, b], { axis: 0 }).shape).toEqual([5, 3])
    expect(() => ops.concat([a, b])).toThrow(
      new ShapeError('concat: parts [2,3] and [3,3] along axis 1; expected them to differ there only'),
    )
    expect(() => ops.concat([a, new Input('i', [2, 3], 'i32')])).toThrow('concat: parts of types f32 and i32')
    expect(() => ops.concat([])).toThrow(ArgumentError)
    expect(() => ops.concat([a], { axis: 2 })).toThrow('concat: axis 2 is not one of [2,3]')
    expect(() => ops.stack([a, b])).toThrow(ShapeError)
    expect(ops.stack([a, a], { axis: 1 }).shape).toEqual([2, 2, 3])
    expect(ops.split(b, 3, { axis: 0 }).map(({ shape }) => shape)).toEqual([
      [1, 3],
      [1, 3],
      [1, 3],
    ])
    expect(() => ops.split(a, 2)).toThrow(
      new ShapeError('split: 2 equal parts asked of axis 1 of [2,3]; expected them to come to 3'),
    )
    expect(() => ops.split(a, [1, 1])).toThrow('split: parts of 1, 1 asked')
    expect(() => ops.transpose(a, [0, 0])).toThrow('expected each of its 2 axes once')
    expect(() => ops.transpose(a, [0, 2])).toThrow('transpose: axis 2 is not one of [2,3]')
    expect(() => ops.squeeze(a, { axes: 0 })).toThrow(new ShapeError('squeeze: axis 0 of [2,3] is 2 long; expected 1'))
    expect(ops.expandDims(a, -1).shape).toEqual([2, 3, 1])
    expect(() => ops.expandDims(a, 3)).toThrow(ShapeError)
    expect(ops.expand(counted([2, 1]), [1, 3]).shape).toEqual([2, 3])
    expect(() => ops.expand(a, [2])).toThrow('expand: shapes [2,3] and [2] do not broadcast together')
  })
  it('refuse stored pixels', async () => {
    const { Resident } = await import('../../../src/engine/tensor.ts')
    const pixels = new Resident('images', 0, [4, 4], 'u8')
    for (const move of [
      () => ops.transpose(pixels),
      () => ops.slice(pixels, { size: [1] }),
      () =>
        ops.pad(pixels, [
          [1, 0],
          [0, 0],
        ]),
      () => ops.concat([pixels, pixels]),
    ])
      expect(move).toThrow(/stored pixels \(u8\); gather them first/)
  })
})

describe('what is only a view takes no step', () => {
  const x = new Input('x', [4, 1, 64, 2])
  it('a transpose that moves axes of extent 1 only, and two that cancel', () => {
    expect(kernelsOf(relu(ops.transpose(x, [1, 0, 2, 3])))).toEqual(['relu'])
    expect(kernelsOf(relu(ops.transpose(ops.transpose(x, [3, 2, 1, 0]), [3, 2, 1, 0])))).toEqual(['relu'])
    expect(kernelsOf(relu(ops.transpose(x, [0, 1, 3, 2])))).toEqual(['transpose', 'relu'])
  })
  it('a slice in one piece that begins where an operand may', () => {
    const [first, second] = ops.split(x, 2, { axis: 0 })
    expect(kernelsOf(mul(first, second))).toEqual(['mul'])
    // 64 numbers are 256 bytes; one less is no place for an operand.
    expect(kernelsOf(relu(ops.slice(ops.reshape(x, [512]), { begin: [64] })))).toEqual(['relu'])
    expect(kernelsOf(relu(ops.slice(ops.reshape(x, [512]), { begin: [63] })))).toEqual(['slice', 'relu'])
    expect(kernelsOf(relu(ops.slice(x, { size: [4, 1, 32] })))).toEqual(['slice', 'relu'])
    expect(kernelsOf(relu(ops.slice(x, { steps: [-1] })))).toEqual(['slice', 'relu'])
  })
  it('a part of an input that is an output is copied, and nothing else', () => {
    expect(kernelsOf(ops.split(x, 2, { axis: 0 })[1])).toEqual(['broadcast'])
  })
  it('moves of one number everywhere are that number', () => {
    const ones = constant(1, [3, 4])
    for (const moved of [
      ops.transpose(ones),
      ops.slice(ones, { steps: [2] }),
      ops.pad(
        ones,
        [
          [1, 0],
          [0, 0],
        ],
        { value: 1 },
      ),
    ])
      expect(moved).toBeInstanceOf(Constant)
  })
})
