import * as v from 'valibot'
import { items, oneOf, parsed, thatIs } from '../arguments.ts'
import { outputKinds } from '../model/picture-network.ts'
import type { StatedImages } from './opened-model.ts'
import { parseStrictJson } from './strict-json.ts'

/** What is known of a network's pictures, as text in the metadata of files that are written here, of either format. */

/** Under which name: none where nothing is known. */
export function imagesMetadata(images: StatedImages): { readonly images?: string } {
  return Object.keys(images).length > 0 ? { images: JSON.stringify(images) } : {}
}

/** What imagesMetadata() wrote. @throws FormatError for what says nothing of pictures */
export function parseImages(text: string | undefined): StatedImages {
  const what = 'model: its "images"'
  return text === undefined ? {} : parsed(what, imagesSchema, parseStrictJson(text, what))
}

function stated<T>(value: v.GenericSchema<T>) {
  return v.optional(v.object({ value, source: thatIs<string>('a text', (source) => typeof source === 'string') }))
}

const finiteNumbers = items<number>('a finite number', Number.isFinite)

const imagesSchema = v.object({
  layout: stated(oneOf('NHWC', 'NCHW')),
  channels: stated(oneOf('rgb', 'bgr', 'grey')),
  preprocessing: stated(v.object({ scale: finiteNumbers, offset: finiteNumbers })),
  classNames: stated(items<string>('a text', (name) => typeof name === 'string')),
  output: stated(oneOf(...outputKinds)),
})
