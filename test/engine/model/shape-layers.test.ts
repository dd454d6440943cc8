import { describe, expect, it } from 'vitest'
import { compute } from '../../../src/engine/compute.ts'
import { ArgumentError, ShapeError } from '../../../src/engine/errors.ts'
import {
  buildLayer,
  cropping2d,
  type LayerDescription,
  permute,
  reshape,
  zeroPadding2d,
} from '../../../src/engine/model/layers/public.ts'
import { inUse } from '../../../src/engine/model/network.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { Input, type Shape, sizeOf, Tensor } from '../../../src/engine/tensor.ts'

const device = new ReferenceDevice()

/** A layer's output for two samples of 1, 2, 3, … and its shape without the batch axis. */
async function outputOf(layer: LayerDescription, input: Shape): Promise<{ shape: Shape; values: number[] }> {
  const built = buildLayer('test', layer, input)
  const x = new Input('x', [2, ...input])
  const y = built.apply(x, [], { ...inUse, seed: 0 })
  if (!(y instanceof Tensor)) throw new Error(`${layer.layer} has a state`)
  expect(y.shape).toEqual([2, ...built.outputShape])
  const values = Float32Array.from({ length: sizeOf(x.shape) }, (_, i) => i + 1)
  return { shape: built.outputShape, values: [...(await compute(device, { outputs: { y } }, { x: values })).y] }
}

// Expected numbers are Keras's.
describe('layers that only move numbers', () => {
  it('reshape takes the extent that is left', async () => {
    expect((await outputOf(reshape({ targetShape: [3, -1] }), [2, 6])).shape).toEqual([3, 4])
    expect((await outputOf(reshape({ targetShape: [-1] }), [2, 6])).shape).toEqual([12])
    expect(() => buildLayer('test', reshape({ targetShape: [5, -1] }), [2, 6])).toThrow(
      new ShapeError('test: [2,6] has 12 elements; they do not come to [5,-1]'),
    )
    expect(() => buildLayer('test', reshape({ targetShape: [4] }), [2, 6])).toThrow(ShapeError)
    expect(() => buildLayer('test', reshape({ targetShape: [-1, -1] }), [2, 6])).toThrow(ArgumentError)
  })

  it('permute counts axes from 1, and leaves the batch where it is', async () => {
    const { shape, values } = await outputOf(permute({ dims: [2, 1] }), [2, 3])
    expect(shape).toEqual([3, 2])
    expect(values).toEqual([1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12])
    expect(() => buildLayer('test', permute({ dims: [2, 1] }), [2, 3, 4])).toThrow(
      new ShapeError('test: dims [2,1] given for [2,3,4]; expected 3 axes'),
    )
    expect(() => buildLayer('test', permute({ dims: [0, 1] }), [2, 3])).toThrow(ArgumentError)
  })

  it('zeroPadding2d puts zeros around images', async () => {
    expect((await outputOf(zeroPadding2d(), [2, 3, 1])).shape).toEqual([4, 5, 1])
    expect((await outputOf(zeroPadding2d({ padding: [0, 2] }), [2, 3, 1])).shape).toEqual([2, 7, 1])
    const { shape, values } = await outputOf(
      zeroPadding2d({
        padding: [
          [1, 0],
          [0, 2],
        ],
      }),
      [1, 2, 1],
    )
    expect(shape).toEqual([2, 4, 1])
    expect(values).toEqual([0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0])
    expect(() => buildLayer('test', zeroPadding2d(), [4])).toThrow('test: expected images [H,W,C], got [4]')
    expect(() => buildLayer('test', zeroPadding2d({ padding: -1 }), [2, 3, 1])).toThrow(ArgumentError)
  })

  it('cropping2d takes borders away', async () => {
    expect((await outputOf(cropping2d(), [2, 3, 1])).shape).toEqual([2, 3, 1])
    const { shape, values } = await outputOf(
      cropping2d({
        cropping: [
          [0, 1],
          [1, 0],
        ],
      }),
      [2, 3, 1],
    )
    expect(shape).toEqual([1, 2, 1])
    expect(values).toEqual([2, 3, 8, 9])
    expect(() => buildLayer('test', cropping2d({ cropping: 1 }), [2, 3, 1])).toThrow(
      new ShapeError('test: nothing is left of images [2,3,1] without these borders'),
    )
  })
})
