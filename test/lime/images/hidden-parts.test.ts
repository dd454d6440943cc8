import { describe, expect, it } from 'vitest'
import { fudgedImage } from '../../../src/lime/images/fudged-image.ts'
import { inpainted } from '../../../src/lime/images/inpainting.ts'
import {
  type HideColor,
  type Image,
  LimeImageExplainer,
  type PredictFn,
  RandomState,
  toImage,
} from '../../../src/lime/index.ts'
import { inOneGo } from '../../../src/lime/steps.ts'

function randomImage(height: number, width: number, channels: 1 | 3, seed: number): Image {
  const random = new RandomState(seed)
  const data = Float64Array.from({ length: height * width * channels }, () => random.randomSample())
  return toImage({ data, shape: [height, width, channels] })
}

/** Each pixel belongs to the nearest of so many random points: segments at the border and inside. */
function nearestPoints(height: number, width: number, count: number, seed: number): Int32Array {
  const random = new RandomState(seed)
  const points = Array.from({ length: count }, () => [random.randomSample() * height, random.randomSample() * width])
  return Int32Array.from({ length: height * width }, (_, pixel) => {
    const distances = points.map(([y, x]) => (y - Math.floor(pixel / width)) ** 2 + (x - (pixel % width)) ** 2)
    return distances.indexOf(Math.min(...distances))
  })
}

/** The pixels beside one, as far as the picture goes. */
function besides(pixel: number, height: number, width: number): number[] {
  const [row, column] = [Math.floor(pixel / width), pixel % width]
  return [
    ...(row > 0 ? [pixel - width] : []),
    ...(row < height - 1 ? [pixel + width] : []),
    ...(column > 0 ? [pixel - 1] : []),
    ...(column < width - 1 ? [pixel + 1] : []),
  ]
}

/** Laplace's equation in all segments, by Gaussian elimination. */
function eliminated({ data, height, width, channels }: Image, labels: Int32Array): Float64Array {
  const n = labels.length
  const rows = Array.from({ length: n }, (_, pixel) => {
    const row = new Float64Array(n + channels)
    for (const other of besides(pixel, height, width)) {
      row[pixel]++
      if (labels[other] === labels[pixel]) row[other]--
      else for (let c = 0; c < channels; c++) row[n + c] += data[other * channels + c]
    }
    return row
  })
  for (let pivot = 0; pivot < n; pivot++)
    for (let r = 0; r < n; r++) {
      const factor = r === pivot ? 0 : rows[r][pivot] / rows[pivot][pivot]
      if (factor !== 0) for (let i = pivot; i < n + channels; i++) rows[r][i] -= factor * rows[pivot][i]
    }
  return Float64Array.from(data, (_, i) => {
    const pixel = Math.floor(i / channels)
    return rows[pixel][n + (i % channels)] / rows[pixel][pixel]
  })
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)
}

describe('what surrounds a segment flows into it', () => {
  const cases: readonly (readonly [string, Image, Int32Array])[] = [
    ['five segments', randomImage(15, 17, 3, 1), nearestPoints(15, 17, 5, 2)],
    ['a segment around another', randomImage(16, 16, 1, 3), Int32Array.from({ length: 256 }, (_, i) => +(i === 119))],
    ['segments in pieces', randomImage(13, 19, 3, 4), Int32Array.from({ length: 247 }, (_, i) => (i % 7) * 10 - 30)],
    ['stripes as wide as the picture', randomImage(21, 9, 1, 5), Int32Array.from({ length: 189 }, (_, i) => i >> 6)],
    ['a line of pixels', randomImage(1, 40, 3, 6), Int32Array.from({ length: 40 }, (_, i) => Math.floor(i / 13))],
    ['pixels each alone', randomImage(6, 5, 3, 7), Int32Array.from({ length: 30 }, (_, i) => i)],
  ]
  it.each(cases)('as Gaussian elimination solves it: %s', (_, image, labels) => {
    const filled = inOneGo(inpainted(image, labels))
    expect(largestDifference(filled, eliminated(image, labels))).toBeLessThan(5e-5)
  })

  it('so that each pixel is the mean of those beside it, on large pictures', () => {
    const image = randomImage(200, 301, 3, 8)
    const labels = nearestPoints(200, 301, 40, 9)
    const filled = inOneGo(inpainted(image, labels))
    let worst = 0
    labels.forEach((label, pixel) => {
      const around = besides(pixel, 200, 301)
      for (let c = 0; c < 3; c++) {
        const values = around.map((other) => (labels[other] === label ? filled : image.data)[other * 3 + c])
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length
        worst = Math.max(worst, Math.abs(filled[pixel * 3 + c] - mean))
      }
    })
    expect(worst).toBeLessThan(1e-5)
  })

  it('which goes on with an even slope as if nothing was hidden', () => {
    const [height, width] = [90, 120]
    const slope = (i: number) => 0.2 + 0.004 * Math.floor(i / width) - 0.001 * (i % width)
    const image = toImage({
      data: Float64Array.from({ length: height * width }, (_, i) => slope(i)),
      shape: [height, width],
    })
    // Blocks of 30, whose outer ones are one segment with holes: at the picture's end nothing flows, and there is no slope.
    const labels = Int32Array.from({ length: height * width }, (_, i) => {
      const [row, column] = [Math.floor(i / width / 30), Math.floor((i % width) / 30)]
      return row === 1 && (column === 1 || column === 2) ? column : 0
    })
    const filled = inOneGo(inpainted(image, labels))
    const inside = Array.from(labels.keys()).filter((pixel) => labels[pixel] > 0)
    expect(inside).toHaveLength(1800)
    for (const pixel of inside) expect(Math.abs(filled[pixel] - slope(pixel))).toBeLessThan(1e-5)
  })

  it('and stays what it is where all is equal, to the last level of bytes', async () => {
    const labels = nearestPoints(64, 64, 12, 10)
    const grey = toImage({ data: new Uint8Array(64 * 64 * 3).fill(200), shape: [64, 64, 3] })
    expect((await fudgedImage(grey, labels, 'inpaint', { randomSeed: 1 })).data).toEqual(grey.data)
    expect((await fudgedImage(grey, labels, 'blur', { randomSeed: 1 })).data).toEqual(grey.data)
    const white = toImage({ data: new Float32Array(64 * 64).fill(0.7), shape: [64, 64] })
    const filled = await fudgedImage(white, labels, 'inpaint', { randomSeed: 1 })
    expect(filled.data).toBeInstanceOf(Float32Array)
    expect(largestDifference(filled.data, white.data)).toBeLessThan(1e-6)
  })

  it('whatever the segment itself shows', () => {
    const labels = nearestPoints(40, 40, 6, 11)
    const image = randomImage(40, 40, 3, 12)
    const isDeep = (pixel: number) =>
      labels[pixel] === 2 && besides(pixel, 40, 40).every((other) => labels[other] === 2)
    const data = Float64Array.from(image.data, (value, i) => (isDeep(Math.floor(i / 3)) ? 1 - value : value))
    expect(data).not.toEqual(image.data)
    const filled = inOneGo(inpainted({ ...image, data }, labels))
    expect(largestDifference(filled, inOneGo(inpainted(image, labels)))).toBeLessThan(5e-5)
  })

  it('but nothing surrounds a segment that is the whole picture: it shows its mean', () => {
    const image = randomImage(8, 9, 3, 13)
    const filled = inOneGo(inpainted(image, new Int32Array(72).fill(4)))
    for (let c = 0; c < 3; c++) {
      const values = image.data.filter((_, i) => i % 3 === c) as Float64Array
      const mean = values.reduce((sum, value) => sum + value, 0) / 72
      for (let pixel = 0; pixel < 72; pixel++) expect(filled[pixel * 3 + c]).toBeCloseTo(mean, 12)
    }
  })

  it('in steps, so that an abort ends it', async () => {
    const [image, labels] = [randomImage(300, 300, 3, 14), nearestPoints(300, 300, 9, 15)]
    const work = inpainted(image, labels)
    let steps = 0
    while (!work.next().done) steps++
    expect(steps).toBeGreaterThan(100)
    const abort = new AbortController()
    abort.abort(new Error('enough'))
    const asked = { randomSeed: 1, signal: abort.signal }
    await expect(fudgedImage(image, labels, 'inpaint', asked)).rejects.toThrow('enough')
  })
})

describe('noise', () => {
  const image = toImage({
    // Each pixel has a colour of its own.
    data: Uint8Array.from({ length: 30 * 40 * 3 }, (_, i) => Math.floor(i / 3) >> (4 * (i % 3))),
    shape: [30, 40, 3],
  })
  const labels = nearestPoints(30, 40, 5, 1)
  const noise = (randomSeed: number) => fudgedImage(image, labels, 'noise', { randomSeed })
  const colours = ({ data }: Image) =>
    Array.from({ length: data.length / 3 }, (_, pixel) => data.slice(3 * pixel, 3 * pixel + 3).join())

  it('is drawn by the seed: the same again, and other noise by another', async () => {
    expect((await noise(5)).data).toEqual((await noise(5)).data)
    expect((await noise(6)).data).not.toEqual((await noise(5)).data)
  })

  it('shows colours of the image, each as often as it has them', async () => {
    const drawn = colours(await noise(5))
    const own = new Set(colours(image))
    for (const colour of drawn) expect(own).toContain(colour)
    // Of n pixels drawn with replacement 1 - 1/e occur.
    expect(new Set(drawn).size / own.size).toBeCloseTo(1 - 1 / Math.E, 1)
  })

  it('is what NumPy draws: image[default_rng(1).random(n) * n]', async () => {
    // numpy.random.default_rng(1).random(4) -> 0.51182162, 0.9504637, 0.14415961, 0.94864945
    const expected = [0.51182162, 0.9504637, 0.14415961, 0.94864945].map(
      (share) => colours(image)[Math.floor(share * 1200)],
    )
    expect(colours(await noise(1)).slice(0, 4)).toEqual(expected)
  })
})

describe('an explanation whose hidden parts show', () => {
  const image = randomImage(24, 24, 1, 20)
  const labels = nearestPoints(24, 24, 6, 21)
  const map = { data: labels, shape: [24, 24] } as const
  const brightness: PredictFn = ({ data, shape: [count] }) =>
    Array.from({ length: count }, (_, i) => {
      const pixels = Array.from(data).slice(i * 576, i * 576 + 576)
      const mean = pixels.reduce((sum, value) => sum + value, 0) / 576
      return [mean, 1 - mean]
    })
  const explain = (hideColor: HideColor, randomSeed = 1) =>
    new LimeImageExplainer({ randomState: 1 }).explainInstance(image, brightness, {
      segmentationFn: () => map,
      hideColor,
      randomSeed,
      numSamples: 100,
    })

  it.each(['noise', 'inpaint'] as const)('%s says what the network saw, and asked it about that', async (hideColor) => {
    const explanation = await explain(hideColor)
    const shown = await fudgedImage(image, labels, hideColor, { randomSeed: 1 })
    expect(explanation.fudgedAsked.data).toEqual(shown.data)
    const { masks, probabilities, segments } = explanation
    for (let sample = 0; sample < 20; sample++) {
      const mixed = Array.from(segments.data, (segment, pixel) =>
        masks.data[sample * masks.shape[1] + segment] ? image.data[pixel] : shown.data[pixel],
      )
      const mean = mixed.reduce((sum, value) => sum + value, 0) / 576
      expect(probabilities.data[2 * sample]).toBeCloseTo(mean, 12)
    }
  })

  it('noise by another seed has other weights', async () => {
    expect((await explain('noise', 2)).localExp).not.toEqual((await explain('noise', 1)).localExp)
    expect((await explain('noise', 1)).localExp).toEqual((await explain('noise', 1)).localExp)
  })
})
