import { describe, expect, it } from 'vitest'
import { floatImage, type Picture } from '../../../src/app/pictures/picture.ts'
import { centreCrop, resizedPicture, withChannels } from '../../../src/app/pictures/resized-picture.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'
import { readReference } from '../../reference-files.ts'
import { tensorOf } from '../../reference-tensors.ts'
import { difference } from './picture-suite.ts'

/** Pictures of other sizes, against what Pillow's Image.BILINEAR makes of the same: test/reference/pictures.py. */
const reference = readReference('pictures.safetensors')

function source(name: string): Picture {
  const { shape, data } = tensorOf(reference, `source/${name}`)
  return { height: shape[0], width: shape[1], channels: 3, data: Uint8Array.from(data) }
}

const recorded = (group: string) =>
  [...reference.tensors.keys()]
    .filter((name) => name.startsWith(`${group}/`))
    .map((name) => {
      const [, from, size] = name.split('/')
      const [height, width] = size.split('x').map(Number)
      return { name, from, height, width }
    })

describe('a resized picture is Pillow’s', () => {
  it.each(recorded('resized'))(
    '$name: within the level to which Pillow rounds twice',
    ({ name, from, height, width }) => {
      const { data, channels } = resizedPicture(source(from), height, width)
      expect(channels).toBe(3)
      const levels = data.map((value) => value * 255)
      // Half a level for each of the two directions, which is reached.
      expect(difference(levels, tensorOf(reference, name).data)).toBeLessThanOrEqual(1 + 1e-9)
    },
  )

  it.each(recorded('numbers'))(
    '$name: of numbers, which Pillow does not round, the same',
    ({ name, from, height, width }) => {
      const levels = resizedPicture(source(from), height, width).data.map((value) => value * 255)
      // Pillow keeps each direction's result in float32.
      expect(difference(levels, tensorOf(reference, name).data)).toBeLessThanOrEqual(255 * 2 ** -23)
    },
  )

  it('whether its levels are of 8 bits, of 16 or numbers', () => {
    const picture = source('noise')
    const expected = resizedPicture(picture, 9, 50).data
    const sixteen: Picture = { ...picture, data: Uint16Array.from(picture.data, (level) => level * 257) }
    expect(difference(resizedPicture(sixteen, 9, 50).data, expected)).toBeLessThan(1e-15)
    expect(difference(resizedPicture(floatImage(picture), 9, 50).data, expected)).toBeLessThan(1e-15)
  })

  it('of its own size is itself', () => {
    const picture = source('photo')
    expect(difference(resizedPicture(picture, 26, 37).data, floatImage(picture).data)).toBeLessThan(1e-15)
  })

  it('takes no sizes that are none', () => {
    for (const [height, width] of [
      [0, 3],
      [3, -1],
      [1.5, 3],
      [Number.NaN, 3],
    ])
      expect(() => resizedPicture(source('pixel'), height, width)).toThrow(ArgumentError)
  })
})

it('resizing takes memory for the result, a row and the weights, however large the picture', () => {
  const picture: Picture = { height: 3000, width: 4000, channels: 3, data: new Uint8Array(3000 * 4000 * 3) }
  const sizes: number[] = []
  const original = globalThis.Float64Array
  globalThis.Float64Array = new Proxy(original, {
    construct(target, words, self) {
      const made: object = Reflect.construct(target, words, self)
      if (ArrayBuffer.isView(made) && typeof words[0] === 'number') sizes.push(made.byteLength)
      return made
    },
  })
  try {
    resizedPicture(picture, 224, 224)
  } finally {
    globalThis.Float64Array = original
  }
  const [result, row] = [8 * 224 * 224 * 3, 8 * 224 * 3]
  const weights = 8 * 224 * (2 * Math.ceil(4000 / 224) + 1 + (2 * Math.ceil(3000 / 224) + 1))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(result + row + weights)
})

describe('a picture’s middle', () => {
  it('is as large as it can be in the proportions', () => {
    const picture = source('photo')
    const { height, width, data } = centreCrop(picture, 224, 224)
    expect([height, width]).toEqual([26, 26])
    expect(data).toBeInstanceOf(Uint8Array)
    for (let row = 0; row < 26; row++)
      expect([...data.subarray(row * 78, row * 78 + 78)]).toEqual([
        ...picture.data.subarray((row * 37 + 5) * 3, (row * 37 + 31) * 3),
      ])
  })

  it('of a picture that has them is all of it', () => {
    const picture = source('noise')
    expect(centreCrop(picture, 52, 74)).toBe(picture)
  })
})

describe('a picture’s channels', () => {
  const colours: Picture = { height: 1, width: 3, channels: 3, data: Uint8Array.of(255, 0, 0, 0, 255, 0, 10, 20, 30) }
  it('become grey by how bright they look, in whole levels or in numbers', () => {
    const expected = [0.2125 * 255, 0.7154 * 255, 0.2125 * 10 + 0.7154 * 20 + 0.0721 * 30]
    expect([...withChannels(colours, 1).data]).toEqual(expected.map(Math.round))
    expect(
      difference(
        withChannels(floatImage(colours), 1).data,
        expected.map((level) => level / 255),
      ),
    ).toBeLessThan(1e-15)
  })

  it('are all grey’s own', () => {
    const grey: Picture = { height: 1, width: 2, channels: 1, data: Uint16Array.of(7, 60_000) }
    expect(withChannels(grey, 3)).toEqual({
      ...grey,
      channels: 3,
      data: Uint16Array.of(7, 7, 7, 60_000, 60_000, 60_000),
    })
  })
})
