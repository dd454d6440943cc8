import { expect, inject, it } from 'vitest'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import type { Picture } from '../../../src/app/pictures/picture.ts'
import { FormatError } from '../../../src/engine/errors.ts'
import { fetchReference } from '../../fetched-reference.ts'
import { tensorOf } from '../../reference-tensors.ts'
import { difference, pictureSuite } from './picture-suite.ts'

const photographs = inject('photographs')

async function readPhotograph(name: string): Promise<Uint8Array> {
  const answer = await fetch(`/@fs${photographs}/${name}`)
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`)
  return new Uint8Array(await answer.arrayBuffer())
}

/** As the browser itself shows a file on white. */
async function asTheBrowserShows(file: Uint8Array): Promise<ImageData> {
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(file)]))
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
  if (!context) throw new Error('no canvas')
  context.fillStyle = 'white'
  context.fillRect(0, 0, bitmap.width, bitmap.height)
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, bitmap.width, bitmap.height)
}

async function compareWithBrowser(_name: string, file: Uint8Array, { data, height, width, channels }: Picture) {
  const shown = await asTheBrowserShows(file)
  expect([shown.height, shown.width]).toEqual([height, width])
  const scale = data instanceof Uint16Array ? 257 : 1
  const ours = shown.data.map((value, i) =>
    i % 4 === 3 ? value : data[Math.floor(i / 4) * channels + (channels === 1 ? 0 : i % 4)] / scale,
  )
  const worst = difference(ours, shown.data)
  expect(worst).toBeLessThanOrEqual(2)
}

const reference = await fetchReference('pictures.safetensors')

pictureSuite({
  reference,
  readPhotograph: photographs ? readPhotograph : null,
  alsoCheck: compareWithBrowser,
})

it('what only the browser reads, it reads: AVIF', async () => {
  const { data, height, width, channels } = await decodePicture(
    Uint8Array.from(tensorOf(reference, 'browser-file/avif').data),
  )
  const expected = tensorOf(reference, 'browser-pixels/avif')
  expect([height, width, channels]).toEqual(expected.shape)
  expect(difference(data, expected.data)).toBeLessThanOrEqual(2)
})

it('what the browser does not read either is refused', async () => {
  const text = new TextEncoder().encode('no picture at all')
  await expect(decodePicture(text)).rejects.toThrow(FormatError)
})
