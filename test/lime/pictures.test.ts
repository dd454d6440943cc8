import { describe, expect, it } from 'vitest'
import { ArgumentError, ShapeError } from '../../src/engine/errors.ts'
import { gaussianFilter } from '../../src/lime/images/gaussian.ts'
import {
  defaultSegmenter,
  findBoundaries,
  LimeImageExplainer,
  markBoundaries,
  quickshift,
  RandomState,
  segmenterNamed,
  slic,
  toImage,
} from '../../src/lime/index.ts'
import { relabelled } from '../../src/lime/segmenters/label-map.ts'
import { inOneGo } from '../../src/lime/steps.ts'
import { readReference } from '../reference-files.ts'
import { tensorOf } from '../reference-tensors.ts'

function map(rows: string[]) {
  const symbols: Record<string, number> = { '-': -1, '.': 0 }
  const data = Int32Array.from(rows.join(''), (symbol) => symbols[symbol] ?? Number(symbol))
  return { data, shape: [rows.length, rows[0].length] as const }
}

function boundaryRows(rows: string[]): string[] {
  const marks = Array.from(findBoundaries(map(rows)), (mark) => (mark ? '#' : ' ')).join('')
  return rows.map((_, y) => marks.slice(y * rows[0].length, (y + 1) * rows[0].length))
}

describe('findBoundaries', () => {
  it('finds none where there is one label only', () => {
    expect(findBoundaries(map(['111', '111'])).some(Boolean)).toBe(false)
    expect(findBoundaries(map(['...', '...'])).some(Boolean)).toBe(false)
  })

  it('marks both sides where two objects touch', () => {
    expect(boundaryRows(['1122', '1122', '1122'])).toEqual([' ## ', ' ## ', ' ## '])
  })

  it('outlines an object from the outside, and along whole background columns from the inside too', () => {
    expect(boundaryRows(['......', '.1111.', '..11..', '......'])).toEqual([' #### ', '##  ##', ' #  # ', '  ##  '])
    expect(boundaryRows(['1....', '1....', '1....'])).toEqual(['##   ', '##   ', '##   '])
  })
})

describe('markBoundaries', () => {
  const labels = map(['1122', '1122'])

  it('paints a copy in colour, yellow by default', () => {
    const image = { data: new Float64Array(8).fill(0.5), shape: [2, 4] }
    const marked = markBoundaries(image, labels)
    expect(marked.shape).toEqual([2, 4, 3])
    expect(Array.from(marked.data.slice(0, 6))).toEqual([0.5, 0.5, 0.5, 1, 1, 0])
    expect(image.data.every((value) => value === 0.5)).toBe(true)
    expect(Array.from(markBoundaries(image, labels, { color: [0, 1, 0] }).data.slice(3, 6))).toEqual([0, 1, 0])
  })

  it('makes floats in [0, 1] of bytes', () => {
    const marked = markBoundaries({ data: new Uint8Array(8).fill(51), shape: [2, 4, 1] }, labels)
    expect(Array.from(marked.data.slice(0, 6))).toEqual([0.2, 0.2, 0.2, 1, 1, 0])
  })

  it('refuses a map of another size and half a colour', () => {
    const image = { data: new Float64Array(8), shape: [4, 2] }
    expect(() => markBoundaries(image, labels)).toThrow(ShapeError)
    expect(() => markBoundaries({ ...image, shape: [2, 4] }, labels, { color: [1, 0] })).toThrow(ArgumentError)
  })
})

describe('relabelled', () => {
  it.each([1, 2, 3, 4, 5])('keeps the segments and their order and numbers them 0..n-1 (seed %d)', (seed) => {
    const random = new RandomState(seed)
    const data = random.randint(-30, 30, 100)
    const result = relabelled({ data, shape: [10, 10] }).data
    const distinct = new Set(data)
    expect(Array.from(new Set(result)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: distinct.size }, (_, i) => i),
    )
    for (let i = 0; i < 100; i++)
      for (let j = 0; j < 100; j++) expect(Math.sign(result[i] - result[j])).toBe(Math.sign(data[i] - data[j]))
  })
})

describe('gaussianFilter', () => {
  it('keeps a constant image and the sum of any, mirrored at the edges', () => {
    const random = new RandomState(3)
    const flat = inOneGo(gaussianFilter(new Float64Array(60).fill(2), 5, 4, 3, 3))
    for (const value of flat) expect(value).toBeCloseTo(2, 12)
    const pixels = Float64Array.from({ length: 60 }, () => random.randomSample())
    const total = (values: Float64Array) => values.reduce((sum, value) => sum + value)
    expect(total(inOneGo(gaussianFilter(pixels, 5, 4, 3, 0.7)))).toBeCloseTo(total(pixels), 10)
  })
})

describe('segmenterNamed', () => {
  const image = toImage({ data: tensorImage('astronaut96'), shape: [96, 96, 3] })
  const context = { randomSeed: 123 }

  function tensorImage(name: string): Float64Array {
    const { data } = tensorOf(readReference('segments.safetensors'), `images/${name}`)
    return Float64Array.from(data, (value) => value / 255)
  }

  it("bare quickshift is lime's, with one parameter scikit-image's", async () => {
    const limes = await quickshift({ kernelSize: 4, maxDist: 200, ratio: 0.2 })(image, context)
    expect(await segmenterNamed('quickshift')(image, context)).toEqual(limes)
    expect(await segmenterNamed('quickshift', { random_seed: '123' })(image, { randomSeed: 0 })).toEqual(limes)
    const named = await segmenterNamed('quickshift', { kernel_size: '3' })(image, context)
    expect(named).toEqual(await quickshift({ kernelSize: 3 })(image, context))
    expect(named).not.toEqual(limes)
  })

  it('takes text for values', async () => {
    const parameters = { n_segments: '20', enforce_connectivity: 'false' }
    expect(await segmenterNamed('slic', parameters)(image, context)).toEqual(
      await slic({ nSegments: 20, enforceConnectivity: false })(image, context),
    )
  })

  it('says what there is when a name, a parameter or a value is wrong', () => {
    expect(() => segmenterNamed('waterfall')).toThrow(ArgumentError)
    expect(() => segmenterNamed('waterfall')).toThrow(/quickshift, felzenszwalb, grid, slic, watershed/)
    expect(() => segmenterNamed('toString')).toThrow(ArgumentError)
    expect(() => segmenterNamed('felzenszwalb', { kernel_size: 4 })).toThrow(/scale, sigma, min_size/)
    for (const value of ['four', '', ' '])
      expect(() => segmenterNamed('quickshift', { kernel_size: value })).toThrow(ArgumentError)
    expect(() => segmenterNamed('slic', { enforce_connectivity: 'maybe' })).toThrow(ArgumentError)
    expect(() => segmenterNamed('slic', { start_label: 2 })).toThrow(ArgumentError)
  })

  it('numbers slic from 0 unless told otherwise', async () => {
    const lowest = (labels: Int32Array) => labels.reduce((least, label) => Math.min(least, label))
    expect(lowest((await segmenterNamed('slic')(image, context)).data)).toBe(0)
    expect(lowest((await segmenterNamed('slic', { start_label: 1 })(image, context)).data)).toBe(1)
  })

  it("the default is kernel size 1 for small images and lime's own for large ones", async () => {
    expect(await defaultSegmenter(image)(image, context)).toEqual(await segmenterNamed('quickshift')(image, context))
    const fashion = toImage({ data: tensorImage('fashion1'), shape: [28, 28] })
    const small = await defaultSegmenter(fashion)(fashion, context)
    expect(small).toEqual(await quickshift({ kernelSize: 1, maxDist: 200, ratio: 0.2 })(fashion, context))
    expect(new Set(small.data).size).toBeGreaterThan(2)
    // The last small size and the first large one.
    for (const [side, kernelSize] of [
      [64, 1],
      [65, 4],
    ]) {
      const random = new RandomState(1)
      const data = Float64Array.from({ length: side * 70 }, () => random.randomSample())
      const edge = toImage({ data, shape: [side, 70] })
      const expected = await quickshift({ kernelSize, maxDist: 200, ratio: 0.2 })(edge, context)
      expect(await defaultSegmenter(edge)(edge, context)).toEqual(expected)
    }
  })

  it("under compatible the default is lime's own for small images too", async () => {
    const fashion = { data: tensorImage('fashion7270'), shape: [28, 28] }
    const explainer = new LimeImageExplainer({ randomState: 123 })
    const explanation = await explainer.explainInstance(
      fashion,
      ({ shape: [count] }) => Array.from({ length: count }, () => [1]),
      { compatible: true, randomSeed: 123, numSamples: 10 },
    )
    const expected = tensorOf(readReference('lime-tutorial-true-quickshift.safetensors'), 'segments')
    expect(explanation.segments.data).toEqual(expected.data)
    expect(explanation.warnings.join()).toMatch(/only 2 segments:.*answers every mixture alike/)
    // Python's score of nothing.
    expect(explanation.score[0]).toBe(1)
  })
})
