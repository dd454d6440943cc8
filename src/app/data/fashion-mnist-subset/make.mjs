/**
 * Makes the two .gz files beside it: the first 4,000 training images of Fashion-MNIST and their labels, as idx files.
 * `node src/app/data/fashion-mnist-subset/make.mjs` finds the whole split as `limelight data` does, and prints the sizes and
 * SHA-256 that ../../tasks/fashion-mnist/subset.ts expects. They are those of the contents: another zlib packs other bytes.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { runnerImport } from 'vite'

const count = 4000
const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const { module: store } = await runnerImport(file('../../tasks/fashion-mnist/store.ts'))
const { images, labels, height, width } = await store.loadFashionMnist('train')

/** An idx file of bytes: the magic number with the number of dimensions, big-endian extents, the items. */
function idx(extents, items) {
  const header = Buffer.alloc(4 + 4 * extents.length)
  header.writeUInt32BE(0x0800 | extents.length)
  for (const [i, extent] of extents.entries()) header.writeUInt32BE(extent, 4 + 4 * i)
  return Buffer.concat([header, items])
}

for (const [name, content] of [
  [`train-${count}-images-idx3-ubyte.gz`, idx([count, height, width], images.subarray(0, count * height * width))],
  [`train-${count}-labels-idx1-ubyte.gz`, idx([count], labels.subarray(0, count))],
]) {
  writeFileSync(file(name), gzipSync(content, { level: 9 }))
  console.log(`${name}: ${content.length} bytes, SHA-256 ${createHash('sha256').update(content).digest('hex')}`)
}
