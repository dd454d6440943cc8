import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ExplainedPhotograph, explainPhotograph } from '../../../src/app/photographs/explain-photograph.ts'
import { askedPicture, regionSeen } from '../../../src/app/photographs/framing.ts'
import { seenWithout, shownOnPhotograph } from '../../../src/app/photographs/on-photograph.ts'
import { photographRequest } from '../../../src/app/photographs/photograph-request.ts'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import type { Picture } from '../../../src/app/pictures/picture.ts'
import { pictureTask } from '../../../src/app/tasks/picture-task.ts'
import { Sequential } from '../../../src/engine/facade/sequential.ts'
import { overlay, type PredictFn, toImage } from '../../../src/lime/index.ts'
import { itWithModels, photographsFolder } from '../../shared-models.ts'

/** What a network is asked about a photograph, and what is found out, shown on the photograph. */

const taskOf = (height: number, width: number, channels: 1 | 3 = 3) =>
  pictureTask(
    new Sequential({ inputShape: [height, width, channels], seed: 1 }, [
      { layer: 'globalAveragePooling2d' },
      { layer: 'dense', units: 2, activation: 'softmax' },
    ]),
    {},
    { scale: 1 / 255 },
  )

/** White on the left half, black on the right. */
function halves(height: number, width: number): Picture {
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) =>
    Math.floor(i / 3) % width < width / 2 ? 255 : 0,
  )
  return { data, height, width, channels: 3 }
}

/** Says class 1 by how bright the left quarter of what it sees is. */
const brightLeft: PredictFn = ({ data, shape: [count, height, width] }) =>
  Array.from({ length: count }, (_, sample) => {
    let sum = 0
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width / 4; x++) sum += data[((sample * height + y) * width + x) * 3]
    const p = sum / (height * (width / 4))
    return [1 - p, p]
  })

describe('what the network is asked about', () => {
  it('is the whole photograph, or its middle in the proportions of the network', () => {
    const task = taskOf(64, 64)
    const picture = halves(100, 400)
    expect(regionSeen(picture, task, 'squash')).toEqual({ top: 0, left: 0, height: 100, width: 400 })
    expect(regionSeen(picture, task, 'crop')).toEqual({ top: 0, left: 150, height: 100, width: 100 })
    for (const fit of ['squash', 'crop'] as const) {
      const { data, ...size } = askedPicture(picture, task, fit)
      expect(size).toEqual({ height: 64, width: 64, channels: 3 })
      expect([data[0], data[3 * 63]]).toEqual([1, 0])
    }
    expect(askedPicture(picture, taskOf(32, 64, 1), 'squash')).toMatchObject({ height: 32, width: 64, channels: 1 })
  })
})

describe('an explained photograph', () => {
  it.each(['network', 'photograph'] as const)('has its evidence where the %s shows it', async (segmentedIn) => {
    const photograph = { picture: halves(150, 600), task: taskOf(80, 80), fit: 'crop', segmentedIn } as const
    const request = { version: 1, method: 'lime', samples: 300, segmenter: { name: 'grid' }, hideColor: 0 } as const
    const explained = await explainPhotograph(photograph, brightLeft, request)
    const { attribution, region } = explained
    expect(region).toEqual({ top: 0, left: 225, height: 150, width: 150 })
    expect(attribution.segmentCount).toBe(16)
    // The four cells of the left column are all that counts.
    const heaviest = attribution.weightsOf(1).slice(0, 4)
    expect(heaviest.map(([segment]) => segment).sort((a, b) => a - b)).toEqual([0, 4, 8, 12])
    const shown = shownOnPhotograph(explained)
    expect(shown.image).toMatchObject({ height: 150, width: 600 })
    expect(shown.weightsOf(1)).toEqual(attribution.weightsOf(1))
    // What the network does not see is of no segment, and veiled.
    const at = (x: number, y: number) => y * 600 + x
    const labels = [at(224, 75), at(225, 0), at(374, 149), at(375, 75)].map((pixel) => shown.segments.data[pixel])
    expect(labels).toEqual([-1, 0, 15, -1])
    expect(shown.image.data[3 * at(599, 0)]).toBeCloseTo(0.7, 6)
    expect(shown.image.data[3 * at(374, 0)]).toBe(0)
    // Green where the evidence is, the veiled white left of it stays what it is.
    const painted = overlay(shown, 1).data
    const colour = (pixel: number) => Array.from(painted.subarray(3 * pixel, 3 * pixel + 3))
    const [red, green] = colour(at(230, 75))
    expect(green - red).toBeGreaterThan(20)
    expect(colour(at(10, 75))).toEqual([255, 255, 255])
  })

  it('has the segments that people gave, of the photograph in any size or of what the network sees', async () => {
    const request = { version: 1, method: 'lime', samples: 40, hideColor: 0 } as const
    const whole = { picture: halves(150, 600), task: taskOf(80, 80), fit: 'crop' } as const
    // Three columns; the network sees a quarter of the photograph, the middle of the second.
    const columns = (height: number, width: number) => ({
      data: Int32Array.from({ length: height * width }, (_, i) => 10 * Math.floor((3 * (i % width)) / width)),
      shape: [height, width] as const,
    })
    for (const segments of [columns(150, 600), columns(50, 200)]) {
      const { attribution } = await explainPhotograph({ ...whole, segments }, brightLeft, request)
      expect(attribution.segmentCount).toBe(1)
    }
    const own = await explainPhotograph({ ...whole, segments: columns(80, 80) }, brightLeft, request)
    expect(own.attribution.segmentCount).toBe(3)
    expect(own.attribution.segmentIds).toEqual([0, 10, 20])
    const shown = shownOnPhotograph(own)
    expect(shown.segmentIds).toEqual([0, 10, 20])
    expect([225, 300, 374].map((x) => shown.segments.data[75 * 600 + x])).toEqual([0, 1, 2])
    await expect(explainPhotograph({ ...whole, segments: columns(100, 300) }, brightLeft, request)).rejects.toThrow(
      /segments are 300 x 100 pixels, the photograph is 600 x 150.*80 x 80/,
    )
  })

  it('of values has the first ones explained', async () => {
    const task = { ...taskOf(70, 70), output: { value: 'values', source: '--output' } } as const
    const request = { version: 1, method: 'lime', samples: 40, topLabels: 2 } as const
    const photograph = { picture: halves(70, 70), task, fit: 'squash' } as const
    const many: PredictFn = ({ shape: [count] }) => Array.from({ length: count }, (_, i) => [-3, i, 70])
    const { attribution } = await explainPhotograph(photograph, many, request)
    expect(attribution.labels).toEqual([0, 1])
    const { topLabels: _, ...asked } = { ...request, labels: [2] }
    expect((await explainPhotograph(photograph, many, asked)).attribution.labels).toEqual([2])
  })

  it('comes roughly first, then as it stays', async () => {
    const photograph = {
      picture: halves(70, 140),
      task: taskOf(70, 70),
      fit: 'squash',
      segmentedIn: 'photograph',
    } as const
    const rough: ExplainedPhotograph[] = []
    const request = { version: 1, method: 'lime', samples: 400, segmenter: { name: 'grid' } } as const
    const call = { onRough: (first: ExplainedPhotograph) => rough.push(first) }
    const explained = await explainPhotograph(photograph, brightLeft, request, call)
    expect(rough).toHaveLength(1)
    expect(rough[0].attribution.samples).toBeLessThan(100)
    expect(explained.attribution.samples).toBe(400)
    expect(shownOnPhotograph(rough[0]).segments).toEqual(shownOnPhotograph(explained).segments)
  })

  it('is shown at its own size, up to the largest side that is asked for', async () => {
    const photograph = { picture: halves(60, 90), task: taskOf(70, 70), fit: 'squash' } as const
    const explained = await explainPhotograph(photograph, brightLeft, { version: 1, method: 'lime', samples: 50 })
    expect(shownOnPhotograph(explained).image).toMatchObject({ height: 60, width: 90 })
    expect(shownOnPhotograph(explained, 30).image).toMatchObject({ height: 20, width: 30 })
  })

  it('tells of segments that the network is too small for', async () => {
    // A grid of cells that are a pixel and a half of the network's wide.
    const photograph = {
      picture: halves(300, 300),
      task: taskOf(70, 70),
      fit: 'squash',
      segmentedIn: 'photograph',
    } as const
    const request = { version: 1, method: 'lime', samples: 20 } as const
    const fine = { ...request, segmenter: { name: 'grid', parameters: { rows: 2, columns: 100 } } }
    const { vanished, warnings, segments, attribution } = await explainPhotograph(photograph, brightLeft, fine)
    expect(vanished).toBe(60)
    expect(attribution.segmentCount).toBe(140)
    expect(warnings.join()).toMatch(/60 segments of the photograph have no pixel at the network's size, 70 x 70/)
    expect(new Set(segments.data)).toEqual(new Set(Array.from({ length: 141 }, (_, i) => i - 1)))
  })

  it('shows what the network sees without some of its segments', async () => {
    const photograph = { picture: halves(80, 80), task: taskOf(80, 80), fit: 'squash' } as const
    const request = { version: 1, method: 'lime', samples: 20, segmenter: { name: 'grid' }, hideColor: 0.5 } as const
    const { attribution } = await explainPhotograph(photograph, brightLeft, request)
    const { data } = seenWithout(attribution, new Set([0]))
    expect([data[0], data[3 * 19], data[3 * 20], data[3 * 79]]).toEqual([0.5, 0.5, 1, 0])
  })
})

describe('a request for photographs', () => {
  it('asks for about fifty segments, and leaves small pictures what is usual for them', () => {
    const given = { version: 1, method: 'lime' } as const
    expect(photographRequest(given, taskOf(224, 224)).segmenter).toMatchObject({
      name: 'slic',
      parameters: { n_segments: 50 },
    })
    expect(photographRequest(given, taskOf(28, 28)).segmenter).toBeNull()
    const own = { ...given, segmenter: { name: 'felzenszwalb' } }
    expect(photographRequest(own, taskOf(224, 224)).segmenter).toMatchObject({ name: 'felzenszwalb' })
  })

  itWithModels('gets them of photographs', async () => {
    const picture = await decodePicture(readFileSync(join(photographsFolder, 'chelsea.png')))
    const photograph = { picture, task: taskOf(224, 224), fit: 'squash' } as const
    const { attribution } = await explainPhotograph(photograph, brightLeft, { version: 1, method: 'lime', samples: 5 })
    expect(attribution.segmentCount).toBeGreaterThanOrEqual(45)
    expect(attribution.segmentCount).toBeLessThanOrEqual(55)
  })
})

it('an attribution is shown only on pictures that fit together', async () => {
  const photograph = { picture: halves(80, 80), task: taskOf(80, 80), fit: 'squash' } as const
  const { attribution } = await explainPhotograph(photograph, brightLeft, { version: 1, method: 'lime', samples: 20 })
  const image = toImage({ data: new Float32Array(12), shape: [2, 2, 3] })
  const segments = { data: new Int32Array(6), shape: [2, 3] } as const
  expect(() => attribution.shownOn({ image, fudged: image, segments })).toThrow(/the map \[2, 3\]/)
})
