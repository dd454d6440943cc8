import { describe, expect, it } from 'vitest'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import type { Picture } from '../../../src/app/pictures/picture.ts'
import type { Safetensors } from '../../../src/engine/formats/safetensors.ts'
import photographs from '../../reference/photographs.json' with { type: 'json' }
import { tensorOf } from '../../reference-tensors.ts'

/** By how much two pictures differ at most. */
export function difference(one: ArrayLike<number>, other: ArrayLike<number>): number {
  if (one.length !== other.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < one.length; i++) worst = Math.max(worst, Math.abs(one[i] - other[i]))
  return worst
}

interface PictureSuite {
  /** test/reference/pictures.safetensors. */
  readonly reference: Safetensors
  /** null where nobody says where photographs are: they are no part of the repository. Where LIMELIGHT_MODELS does, a missing one fails. */
  readonly readPhotograph: ((name: string) => Promise<Uint8Array>) | null
  /** A second opinion. */
  readonly alsoCheck?: (name: string, file: Uint8Array, picture: Picture) => Promise<void>
}

/** The same in Node and in a browser, against what Pillow reads, which is what libjpeg-turbo and libwebp read: to the last level. */
export function pictureSuite({ reference, readPhotograph, alsoCheck }: PictureSuite): void {
  const names = [...reference.tensors.keys()].filter((name) => name.startsWith('file/')).map((name) => name.slice(5))
  describe('pictures are read as Pillow reads them', () => {
    it.each(names)('%s', async (name) => {
      const file = Uint8Array.from(tensorOf(reference, `file/${name}`).data)
      const picture = await decodePicture(file)
      const expected = tensorOf(reference, `pixels/${name}`)
      const [height, width, channels] = expected.shape
      expect(picture).toMatchObject({ height, width, channels })
      expect(difference(picture.data, expected.data)).toBe(0)
      await alsoCheck?.(name, file, picture)
    })
  })

  // The browser has no test/shared-models.ts, which reads files: who calls says where photographs are at hand.
  const reason = readPhotograph ? '' : ' (skipped: LIMELIGHT_MODELS is not set, and there is no ../shared/models)'
  describe.skipIf(!readPhotograph)(`photographs are read as Pillow reads them${reason}`, () => {
    it.each(Object.entries(photographs))('%s', async (name, { height, width, channels, sha256 }) => {
      const file = (await readPhotograph?.(name)) ?? new Uint8Array(0)
      const picture = await decodePicture(file)
      expect(picture).toMatchObject({ height, width, channels })
      expect(await digestOf(picture.data)).toBe(sha256)
      await alsoCheck?.(name, file, picture)
    })
  })
}

async function digestOf(data: Picture['data']): Promise<string> {
  const bytes = new Uint8Array(data.slice().buffer, 0, data.byteLength)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
