import { describe, expect, it } from 'vitest'
import { ShapeError } from '../../../src/engine/errors.ts'
import { coverOf, dilationOf, type Padding, type Pair, windowOver } from '../../../src/engine/ops/window.ts'

const over = (image: readonly [number, number], window: Pair, strides: Pair, padding: Padding, dilation?: Pair) =>
  windowOver('test', [1, ...image, 1], window, strides, padding, 'a window of', { dilation })

describe('a window walks', () => {
  it('over zeros on each side, on two and on all, like PyTorch: floor((n + before + after - window) / stride) + 1', () => {
    expect(
      over(
        [5, 6],
        [3, 2],
        [2, 3],
        [
          [1, 2],
          [0, 3],
        ],
      ),
    ).toEqual({
      windowHeight: 3,
      windowWidth: 2,
      strideY: 2,
      strideX: 3,
      padTop: 1,
      padLeft: 0,
      outHeight: 3,
      outWidth: 3,
    })
    expect(over([5, 6], 3, 1, [1, 2])).toEqual(
      over([5, 6], 3, 1, [
        [1, 1],
        [2, 2],
      ]),
    )
    expect(over([5, 6], 3, 1, 2)).toEqual(over([5, 6], 3, 1, [2, 2]))
    expect(over([5, 6], 3, 1, 0)).toEqual(over([5, 6], 3, 1, 'valid'))
  })

  it('past an image smaller than itself, where padding makes up for it', () => {
    expect(over([1, 2], 5, 1, 2)).toMatchObject({ padTop: 2, padLeft: 2, outHeight: 1, outWidth: 2 })
  })

  it('with its places apart, and says so only where they are', () => {
    const dilated = over([9, 9], 3, 1, 'valid', [2, 1])
    expect(dilated).toMatchObject({ outHeight: 5, outWidth: 7, dilationY: 2 })
    expect(dilated).not.toHaveProperty('dilationX')
    expect([dilationOf(dilated), coverOf(dilated)]).toEqual([
      [2, 1],
      [5, 3],
    ])
    // TensorFlow: ceil(9 / 2) outputs of windows of 5 pixels; (5 - 1) 2 + 5 - 9 = 4 pixels of zeros, half of them before.
    expect(over([9, 9], 3, 2, 'same', 2)).toMatchObject({ outHeight: 5, padTop: 2 })
  })

  it('nowhere with negative padding, or what is no padding at all', () => {
    for (const padding of [
      -1,
      1.5,
      [0, -1],
      [
        [0, 1],
        [2, -2],
      ],
      [1],
      [[1, 2], 3],
      'full',
      null,
    ])
      expect(() => over([5, 5], 3, 1, padding as unknown as Padding)).toThrow(
        /test: padding is .*; expected 'same', 'valid'/,
      )
  })

  it('nowhere it does not fit, and says what there is', () => {
    expect(() => over([4, 4], 3, 1, 'valid', 2)).toThrow(
      new ShapeError("test: a window of 3, dilated to 5, does not fit into 4 pixels with padding 'valid'"),
    )
    expect(() => over([4, 4], 7, 1, 1)).toThrow(
      new ShapeError('test: a window of 7 does not fit into 4 pixels and 1 + 1 of padding'),
    )
    expect(() => over([4, 4], 3, 1, 'same', 0)).toThrow(
      new ShapeError('test: window 3, dilation 0 and stride 1 must be positive integers'),
    )
  })
})
