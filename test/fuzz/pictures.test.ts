import { decodePicture } from '../../src/app/pictures/decode-picture.ts'
import { encodePng } from '../../src/app/pictures/encode-png.ts'
import { maxPixels } from '../../src/app/pictures/picture-size.ts'
import { readReference } from '../reference-files.ts'
import { tensorOf } from '../reference-tensors.ts'
import { fuzz, must, mutated, pick, type Random } from './fuzzing.ts'

const reference = readReference('pictures.safetensors')
const filesOf = (format: string) =>
  [...reference.tensors.keys()]
    .filter((name) => name.startsWith(`file/${format}`))
    .map((name) => Uint8Array.from(tensorOf(reference, name).data))

async function attempt(random: Random, files: readonly Uint8Array[]) {
  const { data, height, width, channels } = await decodePicture(mutated(random, pick(random, files)))
  must(data.length === height * width * channels && data.length > 0, `${data.length} values of ${height}x${width}`)
  must(height * width <= maxPixels, 'more pixels than are taken')
}

const pngs = [
  encodePng({ data: Float64Array.from({ length: 108 }, (_, i) => i / 108), height: 12, width: 9, channels: 1 }),
  encodePng({ data: Float64Array.from({ length: 105 }, (_, i) => i / 105), height: 5, width: 7, channels: 3 }),
]

fuzz('PNG pictures', { refused: 0.5, attempt: (random) => attempt(random, pngs) })

// Checksums catch what happens to a PNG. These formats have none: much of what is damaged is taken, and shows it.
for (const format of ['jpeg', 'webp', 'gif', 'bmp']) {
  const files = filesOf(format)
  fuzz(`${format} pictures`, {
    taken: 0.1,
    refused: 0.1,
    attempt: (random) => attempt(random, files),
  })
}
