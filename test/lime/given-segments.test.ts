import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { explanationRecord } from '../../src/app/batch/explanation-record.ts'
import { asText } from '../../src/app/cli/explanation-output.ts'
import { ArgumentError, ShapeError } from '../../src/engine/errors.ts'
import {
  attributionFromJson,
  Explanation,
  explainerFor,
  explanationRequest,
  type LabelMap,
  LimeImageExplainer,
  labelMapDigest,
  mapSegmenter,
  type PredictFn,
  RandomState,
  scaledLabelMap,
} from '../../src/lime/index.ts'

const [height, width] = [8, 12]
const image = {
  data: Float64Array.from({ length: height * width }, (_, i) => ((i * 37) % 101) / 101),
  shape: [height, width, 1],
}

/** Four quarters, as somebody numbered them. */
const ids = [3, 40, 500, 70_000]
const quarters: LabelMap = {
  data: Int32Array.from({ length: height * width }, (_, i) => ids[(i % width < 6 ? 0 : 1) + (i < 48 ? 0 : 2)]),
  shape: [height, width],
}

/** Says how bright the quarter is that people call 500: below, to the left. */
const brightness: PredictFn = ({ data, shape: [count] }) =>
  Array.from({ length: count }, (_, image) => {
    let sum = 0
    for (let i = 48; i < 96; i++) if (i % width < 6) sum += data[image * 96 + i]
    return [sum / 24, 1 - sum / 24]
  })

const request = async (map = quarters) => ({
  version: 1 as const,
  method: 'lime',
  segmenter: await mapSegmenter(map),
  hideColor: 0,
  samples: 200,
})

describe('a request for segments of one’s own', () => {
  it('names the label map by its digest: SHA-256 of height, width and labels as 32-bit integers', async () => {
    const bytes = Buffer.alloc(4 * (2 + 96))
    for (const [i, value] of [height, width, ...quarters.data].entries()) bytes.writeInt32LE(value, 4 * i)
    const digest = createHash('sha256').update(bytes).digest('hex')
    expect(await labelMapDigest(quarters)).toBe(digest)
    const complete = explanationRequest(await request())
    expect(complete.segmenter).toEqual({ name: 'map', parameters: { digest } })
    expect(explanationRequest(JSON.parse(JSON.stringify(complete)))).toEqual(complete)
    const loud = { ...complete, segmenter: { name: 'map', parameters: { digest: digest.toUpperCase() } } }
    expect(JSON.stringify(explanationRequest(loud))).toBe(JSON.stringify(complete))
  })

  it('is another one for another map, if only the numbers of its segments differ', async () => {
    const other = { ...quarters, data: quarters.data.map((label) => label + 1) }
    const wide: LabelMap = { data: quarters.data, shape: [width, height] }
    const found = await Promise.all([quarters, other, wide].map(async (map) => JSON.stringify(await request(map))))
    expect(new Set(found).size).toBe(3)
  })

  it('explains by the map that the call gives, and calls its segments as it does', async () => {
    const attribution = await explainerFor(await request())(image, brightness, { segments: quarters, labels: [0] })
    expect(attribution.segmentIds).toEqual(ids)
    expect(attribution.segmentCount).toBe(4)
    expect(Array.from(attribution.segments.data, (segment) => ids[segment])).toEqual(Array.from(quarters.data))
    const [[heaviest]] = attribution.weightsOf(0)
    expect(attribution.segmentIds[heaviest]).toBe(500)

    const record = explanationRecord({}, attribution, { name: 'cpu', adapter: 'none' }, { withMasks: true })
    expect(record.explanation[0].weights[0][0]).toBe(500)
    expect(record.explanation[0].weights.map(([segment]) => segment).sort((a, b) => a - b)).toEqual(ids)
    expect(record.segments.map.flat()).toEqual(Array.from(quarters.data))
    expect(record.segments.ids).toEqual(ids)
    expect(asText({}, attribution, ['bright', 'dark'])).toMatch(/^ {2}segment 500 /m)
  })

  it('takes the map that an explanation has for the one it was made with', async () => {
    const explain = explainerFor(await request())
    const attribution = await explain(image, brightness, { segments: quarters })
    const read = attributionFromJson(JSON.parse(JSON.stringify(attribution)))
    expect(await labelMapDigest(read.segments)).toBe(await labelMapDigest(quarters))
    const again = await explain(image, brightness, { segments: read.segments })
    expect(again.segmentIds).toEqual(ids)
    expect(again.segments).toEqual(attribution.segments)
  })

  it('comes back from JSON with its ids, of either method', async () => {
    for (const method of ['lime', 'shapley']) {
      const explain = explainerFor({ ...(await request()), method, samples: 'exact' })
      const attribution = await explain(image, brightness, { segments: quarters })
      const text = JSON.stringify(attribution)
      const again = attributionFromJson(JSON.parse(text))
      expect(again.segmentIds).toEqual(ids)
      expect(again.segments).toEqual(attribution.segments)
      expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(text))
    }
  })

  it('refuses a call without the map, with another, or with one of another size, and says what to do', async () => {
    const explain = explainerFor(await request())
    const refusal = async (segments?: LabelMap) => {
      const answer = explain(image, brightness, { segments })
      await expect(answer).rejects.toThrow(ArgumentError)
      return answer.catch((error: Error) => error.message)
    }
    const digest = await labelMapDigest(quarters)
    expect(await refusal()).toBe(
      `segments: the request's segments are the label map ${digest.slice(0, 8)}…: give it to the call, { segments: { data, shape } }`,
    )
    const other = { ...quarters, data: quarters.data.map((label) => label + 1) }
    expect(await refusal(other)).toMatch(
      /this label map is [\da-f]{8}…, the request is for .* mapSegmenter\(segments\)/,
    )
    expect(await refusal({ data: [1, 2] } as unknown as LabelMap)).toMatch(/map must be a label map/)
    const small = scaledLabelMap(quarters, 4, 6)
    const answer = explainerFor(await request(small))(image, brightness, { segments: small })
    await expect(answer).rejects.toThrow(ShapeError)
    await expect(answer).rejects.toThrow(
      'segments: a label map of [4, 6] for an image of [8, 12]; scale it: scaledLabelMap(segments, 8, 12)',
    )
    for (const segmenter of [null, { name: 'grid' }]) {
      const plain = explainerFor({ ...(await request()), segmenter })(image, brightness, { segments: quarters })
      await expect(plain).rejects.toThrow(/the call gives some, but the request .* make it with segmenter: await/)
    }
  })

  it.each([
    [{}, /segmenter map: digest is missing/],
    [{ digest: 'abc' }, /64 hexadecimal digits, as mapSegmenter\(map\) gives it, not "abc"/],
    [{ digest: 'a'.repeat(64), rows: 3 }, /there is no option "rows"/],
  ])('is refused with the parameters %j', (parameters, message) => {
    const given = { version: 1 as const, method: 'lime', segmenter: { name: 'map', parameters } }
    expect(() => explanationRequest(given)).toThrow(ArgumentError)
    expect(() => explanationRequest(given)).toThrow(message)
  })
})

describe('ids of segments', () => {
  const explain = (data: Int32Array) =>
    new LimeImageExplainer({ randomState: 1 }).explainInstance(image, brightness, {
      segmentationFn: () => ({ data, shape: [height, width] }),
      numSamples: 20,
      randomSeed: 1,
    })

  it('are those of any segmenter, negative ones too; numbers from 0 on are their own', async () => {
    const negative = await explain(quarters.data.map((label) => -label))
    expect(negative.segmentIds).toEqual([-70_000, -500, -40, -3])
    const plain = await explain(quarters.data.map((label) => ids.indexOf(label)))
    expect(plain.segmentIds).toEqual([0, 1, 2, 3])
    const drawn = quarters.data.map((label) => ids.indexOf(label))
    const before = await explain(drawn)
    drawn.fill(0)
    expect(before.segments.data).toEqual(plain.segments.data)
    expect('ids' in JSON.parse(JSON.stringify(plain)).segments).toBe(false)
  })

  it('that do not fit their map are refused where an explanation is read', async () => {
    const json = JSON.parse(JSON.stringify(await explain(quarters.data)))
    const withIds = (changed: unknown) => ({ ...json, segments: { ...json.segments, ids: changed } })
    expect(Explanation.fromJSON(withIds([1, 2, 3, 4])).segmentIds).toEqual([1, 2, 3, 4])
    expect(() => attributionFromJson(withIds([1, 2]))).toThrow(
      /segments.ids has 2 numbers; expected one for each of the 4/,
    )
    expect(() => attributionFromJson(withIds([1, 2, 2, 3]))).toThrow(/segments.ids.2 is 2; expected each larger/)
    expect(() => attributionFromJson(withIds([1, 2, 3, 0.5]))).toThrow(/segments.ids.3 is 0.5/)
  })
})

describe('a scaled label map', () => {
  it('has at each pixel the label under its centre', () => {
    const random = new RandomState(3)
    for (let round = 0; round < 30; round++) {
      const [rows, columns, h, w] = random.randint(1, 20, 4)
      const map: LabelMap = { data: random.randint(-5, 1000, rows * columns), shape: [rows, columns] }
      const { data, shape } = scaledLabelMap(map, h, w)
      expect(shape).toEqual([h, w])
      data.forEach((label, pixel) => {
        const y = ((Math.floor(pixel / w) + 0.5) / h) * rows
        const x = (((pixel % w) + 0.5) / w) * columns
        expect(label).toBe(map.data[Math.floor(y) * columns + Math.floor(x)])
      })
    }
    expect(scaledLabelMap(quarters, height, width)).toEqual(quarters)
    expect(() => scaledLabelMap(quarters, 0, 4)).toThrow(/height must be a whole number from 1/)
  })
})
