import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { plainPhotographSettings } from '../../../../../src/app/page/contract/photograph-settings.ts'
import { preprocessings } from '../../../../../src/app/page/photograph/preprocessings.ts'
import { savedSegments, segmentsSeen } from '../../../../../src/app/page/photograph/saved-segments.ts'
import {
  explainAsked,
  photographResultOf,
  predictWithoutIds,
} from '../../../../../src/app/page/worker/photographs/explaining-photographs.ts'
import { exportPhotograph } from '../../../../../src/app/page/worker/photographs/export-photograph.ts'
import { decodePicture } from '../../../../../src/app/pictures/decode-picture.ts'
import { pictureModel, pictureTask, statedImages } from '../../../../../src/app/tasks/picture-task.ts'
import { loadModel, openDevice } from '../../../../../src/engine/index.ts'
import { type LabelMap, mapSegmenter } from '../../../../../src/lime/index.ts'
import { classNames, ownNetwork } from '../../own-photograph-network.ts'

const coffee = new URL('../../../../../src/app/page/photograph/first-pictures/coffee.jpg', import.meta.url)

/** Three bands, called 3, 40 and 7, larger than the network's picture of 64 x 96. */
const drawn: LabelMap = {
  data: Int32Array.from({ length: 128 * 192 }, (_, pixel) => [3, 40, 7][Math.floor((pixel % 192) / 64)]),
  shape: [128, 192],
}

it('drawn segments keep their ids everywhere; the request names the map that the file has', async () => {
  const device = await openDevice('cpu')
  const opened = await loadModel(await ownNetwork())
  const { value } = preprocessings['zero-one']
  const task = pictureTask(opened, { ...statedImages(opened), preprocessing: { value, source: 'the test' } }, {})
  const model = pictureModel(opened, task)
  await model.compile({ device })
  const { signal } = new AbortController()
  const explain = (own: LabelMap) => {
    const settings = { ...plainPhotographSettings, segmenter: 'own', samples: 50 } as const
    const asking = { id: 'mine', model, task, classNames, picture, fit: 'crop', settings, own, labels: [0] } as const
    return explainAsked(
      asking,
      signal,
      () => {},
      () => {},
    )
  }
  const picture = await decodePicture(await readFile(coffee))
  const whole = await explain(drawn)
  const result = await photographResultOf(whole, signal)
  const ids = (all: Iterable<number>) => [...new Set(all)].sort((a, b) => a - b)
  expect(ids(segmentsSeen(result).data)).toEqual([3, 7, 40])
  const [{ weights, evidence }] = result.labels
  expect(ids(weights.map(([id]) => id))).toEqual([3, 7, 40])
  if (evidence.method !== 'lime') throw new Error('expected an explanation by lime')
  expect(evidence.intervals.map(({ segment, weight }) => [segment, weight])).toEqual(weights)

  // The middle band is hidden where it was drawn: what the network says then is of columns 32 to 63.
  const { asked, fudgedAsked } = whole.attribution
  const data = Float32Array.from(asked.data, (shown, i) => {
    const column = Math.floor(i / 3) % 96
    return column >= 32 && column < 64 ? fudgedAsked.data[i] : shown
  })
  const expected = await model.predict({ data, shape: [1, 64, 96, 3] })
  expect(Array.from(await predictWithoutIds(whole, [40]))).toEqual(Array.from(expected.data))

  const file = exportPhotograph(whole, { name: 'cpu', adapter: 'test' }, 0, 'explanation.json', 'a test')
  const text = await file.text()
  const saved = savedSegments(text)
  expect(ids(saved.data)).toEqual([3, 7, 40])
  expect(JSON.parse(text).request.segmenter).toEqual(await mapSegmenter(saved))
  const again = await photographResultOf(await explain(saved), signal)
  expect(again.labels).toEqual(result.labels)
  expect(again.request).toEqual(result.request)
  expect(result.warnings.join()).not.toContain('no pixel')

  // Where the network has one pixel, the drawing has four, of which the last counts.
  const fine = drawn.data.slice()
  fine[0] = 50
  fine[2 * 192 + 8] = 12
  const finer = await explain({ ...drawn, data: fine })
  const said =
    'Segments 12, 50 have no pixel at the network’s size, 96 × 64, and can’t be explained: draw them larger, or join them to others.'
  const { warnings } = await photographResultOf(finer, signal)
  expect(warnings.filter((warning) => warning.includes('no pixel'))).toEqual([said])
  const finerFile = exportPhotograph(finer, { name: 'cpu', adapter: 'test' }, 0, 'explanation.json', 'a test')
  expect(JSON.parse(await finerFile.text()).warnings).toContain(said)
  model.dispose()
  device.dispose()
})
