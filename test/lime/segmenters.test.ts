import { describe, expect, it } from 'vitest'
import { ArgumentError, ShapeError } from '../../src/engine/errors.ts'
import { rgbToGray, rgbToLab } from '../../src/lime/images/color.ts'
import { gaussianFilter } from '../../src/lime/images/gaussian.ts'
import { type Image, toImage, toUnitRgb } from '../../src/lime/images/image.ts'
import { felzenszwalb, grid, LimeImageExplainer, quickshift, slic, watershed } from '../../src/lime/index.ts'
import { gridEdges } from '../../src/lime/segmenters/felzenszwalb-components.ts'
import { quickshiftForest, tieBreakingNoise } from '../../src/lime/segmenters/quickshift-forest.ts'
import { segmenterNamed, segmenterNames } from '../../src/lime/segmenters/registry.ts'
import { inOneGo } from '../../src/lime/steps.ts'
import { readReference } from '../reference-files.ts'
import { largestError, tensorOf } from '../reference-tensors.ts'

const reference = readReference('segments.safetensors')

function storedImage(name: string): Image {
  const { data, shape } = tensorOf(reference, `images/${name}`)
  return toImage({ data: Float64Array.from(data, (value) => value / 255), shape })
}

describe.each(['fashion7270', 'astronaut96'])('the intermediate results of %s equal scikit-image', (name) => {
  const image = storedImage(name)
  const { height, width } = image
  const rgb = toUnitRgb(image)
  const stored = (what: string) => tensorOf(reference, `intermediate/${name}/${what}`).data

  it('rgb2lab', () => {
    expect(largestError(rgbToLab(rgb), stored('lab'))).toBeLessThan(1e-12)
  })

  it('Gaussian smoothing', () => {
    expect(largestError(inOneGo(gaussianFilter(rgb, height, width, 3, 0.8)), stored('gaussian_sigma0.8'))).toBeLessThan(
      1e-14,
    )
  })

  it("quickshift's noise, parents and distances", () => {
    expect(tieBreakingNoise(123, height * width)).toEqual(stored('quickshift_noise'))
    const settings = { kernelSize: 4, ratio: 0.2, sigma: 0, randomSeed: 123 }
    const forest = inOneGo(quickshiftForest(rgb, height, width, settings))
    expect(forest.parents).toEqual(stored('quickshift_parent'))
    expect(largestError(forest.distances, stored('quickshift_dist_parent'))).toBeLessThan(1e-12)
  })
})

describe("felzenszwalb's edges", () => {
  it('have the costs of scikit-image, in its order', () => {
    const smoothed = inOneGo(gaussianFilter(toUnitRgb(storedImage('fashion7270')), 28, 28, 3, 0.8))
    const expected = tensorOf(reference, 'intermediate/fashion7270/felzenszwalb_costs').data
    expect(largestError(inOneGo(gridEdges(smoothed, 28, 28)).costs, expected)).toBeLessThan(1e-14)
  })
})

const cases: Record<
  string,
  { image: string; algorithm: string; parameters: Record<string, number>; segments: number }
> = JSON.parse(reference.metadata.cases)

describe('label maps equal scikit-image to the last pixel', () => {
  it.each(Object.entries(cases))('%s', async (name, { image, algorithm, parameters, segments }) => {
    const map = await segmenterNamed(algorithm, parameters)(storedImage(image), { randomSeed: 999 })
    const expected = tensorOf(reference, name)
    expect(map.shape).toEqual(expected.shape)
    expect(map.data).toEqual(expected.data)
    expect(new Set(map.data).size).toBe(segments)
  })
})

describe('segmenters', () => {
  const image = storedImage('fashion1')

  it('take bytes as 0..255', async () => {
    const { data, shape } = tensorOf(reference, 'images/astronaut96')
    const bytes = toImage({ data: Uint8Array.from(data), shape })
    const context = { randomSeed: 123 }
    for (const segment of [quickshift({ kernelSize: 2 }), felzenszwalb(), slic()])
      expect(await segment(bytes, context)).toEqual(await segment(storedImage('astronaut96'), context))
  })

  it('see a grey image as one of three equal channels', async () => {
    const rgb = toImage({ data: toUnitRgb(image), shape: [28, 28, 3] })
    const context = { randomSeed: 0 }
    for (const segment of [quickshift({ kernelSize: 1 }), felzenszwalb(), slic()])
      expect(await segment(image, context)).toEqual(await segment(rgb, context))
  })

  it("use the explanation's seed unless they have their own", async () => {
    // A flat picture: the noise decides everything.
    const flat = toImage({ data: new Float64Array(400), shape: [20, 20] })
    const free = quickshift({ kernelSize: 1, maxDist: 3 })
    const bound = quickshift({ kernelSize: 1, maxDist: 3, randomSeed: 5 })
    expect(await free(flat, { randomSeed: 5 })).toEqual(await bound(flat, { randomSeed: 6 }))
    expect(await free(flat, { randomSeed: 6 })).not.toEqual(await bound(flat, { randomSeed: 6 }))
  })

  it('manage images of one pixel, one row and one column', async () => {
    for (const shape of [
      [1, 1],
      [1, 9],
      [9, 1],
    ]) {
      const data = Float64Array.from({ length: shape[0] * shape[1] }, (_, i) => (i % 3) / 3)
      for (const segment of [quickshift(), felzenszwalb({ minSize: 1 }), slic({ nSegments: 3 })])
        for (const label of (await segment(toImage({ data, shape }), { randomSeed: 1 })).data)
          expect(label).toBeGreaterThanOrEqual(0)
    }
  })

  const large = toImage({
    data: Uint8Array.from({ length: 400 * 400 * 3 }, (_, i) => (i * i) % 251),
    shape: [400, 400, 3],
  })
  it.each([
    ['quickshift', quickshift({ kernelSize: 20 })],
    ['felzenszwalb', felzenszwalb({ sigma: 1000 })],
    ['slic', slic({ nSegments: 1e6 })],
    ['watershed', watershed({ markers: 5 })],
  ])('%s lets others run, and ends when it is aborted', async (_name, segment) => {
    // A timer gets its turn in the midst of it: only then is there an abort.
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(new Error('enough')), 1)
    await expect(segment(large, { randomSeed: 1, signal: controller.signal })).rejects.toThrow('enough')
    clearTimeout(timer)
  })

  it('are ended by the signal of an explanation, and so is the blurring of what hides', async () => {
    const explainer = new LimeImageExplainer({ randomState: 1 })
    for (const options of [
      { segmentationFn: slic({ nSegments: 1e6 }) },
      { segmentationFn: grid(), hideColor: 'blur' } as const,
    ]) {
      const controller = new AbortController()
      let asked = 0
      setTimeout(() => controller.abort(new Error('enough')), 1)
      const predict = () => {
        asked++
        return [[0.5, 0.5]]
      }
      const explanation = explainer.explainInstance(large, predict, { ...options, signal: controller.signal })
      await expect(explanation).rejects.toThrow('enough')
      expect(asked).toBe(0)
    }
  })

  it.each([
    ['slic', { n_segments: 1e9 }, /nSegments must be a whole number from 1 to 1,000,000, not 1000000000/],
    ['slic', { sigma: 1e9 }, /sigma must be a number from 0 to 1,000, not/],
    ['slic', { compactness: 1e-300 }, /compactness/],
    ['felzenszwalb', { sigma: 1e9 }, /sigma/],
    ['quickshift', { sigma: 1e9 }, /sigma/],
    ['quickshift', { kernel_size: 1e9 }, /kernelSize must be a number from 1 to 1,000, not/],
    ['quickshift', { ratio: 1e300 }, /ratio/],
    ['watershed', { markers: 1e9 }, /markers/],
  ])('%s refuses %j before it reserves anything', (name, parameters, message) => {
    expect(() => segmenterNamed(name, parameters)).toThrow(ArgumentError)
    expect(() => segmenterNamed(name, parameters)).toThrow(message)
  })

  it.each(segmenterNames)(
    '%s, called by itself, takes a picture as it is given and refuses what is none',
    async (name) => {
      const [data, shape] = [new Float64Array(12 * 10).fill(0.5), [12, 10]]
      const { signal } = new AbortController()
      const map = await segmenterNamed(name)({ data, shape })
      expect(map.shape).toEqual(shape)
      expect(map).toEqual(await segmenterNamed(name)(toImage({ data, shape }), { randomSeed: 42, signal }))
      await expect(segmenterNamed(name)({ data, shape: [12, 11] })).rejects.toThrow(ShapeError)
      await expect(segmenterNamed(name)({ data: data.fill(Number.NaN), shape })).rejects.toThrow(ArgumentError)
    },
  )

  it('refuse options outside their range', () => {
    expect(() => quickshift({ kernelSize: 0.5 })).toThrow(ArgumentError)
    expect(() => quickshift({ maxDist: Number.NaN })).toThrow(ArgumentError)
    expect(() => quickshift({ ratio: -1 })).toThrow(ArgumentError)
    expect(() => felzenszwalb({ scale: -1 })).toThrow(ArgumentError)
    expect(() => felzenszwalb({ sigma: Number.POSITIVE_INFINITY })).toThrow(ArgumentError)
    expect(() => slic({ nSegments: 0 })).toThrow(ArgumentError)
    expect(() => slic({ compactness: 0 })).toThrow(ArgumentError)
    expect(() => slic({ maxNumIter: 1.5 })).toThrow(ArgumentError)
  })
})

describe('rgbToGray', () => {
  it("weighs the channels as scikit-image's rgb2gray", () => {
    expect([...rgbToGray([1, 0, 0, 0, 1, 0, 0, 0, 1])]).toEqual([0.2125, 0.7154, 0.0721])
  })
})
