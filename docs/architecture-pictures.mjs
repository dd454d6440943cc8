/**
 * The two pictures of docs/architecture.md: `node docs/architecture-pictures.mjs` writes them. Each is a description, rows of boxes
 * from top to bottom; a box names the file that does it, which must exist. They can be read on light and dark pages.
 */
import { existsSync, writeFileSync } from 'node:fs'

/** @typedef {{ title: string, file: string, note?: string }} Box */

/** @type {Record<string, { title: string, rows: Box[][] }>} */
export const pictures = {
  'tensor-way.svg': {
    title: 'The way of a tensor: from a graph to numbers',
    rows: [
      [
        { title: 'Operations', file: 'src/engine/ops', note: 'a lazy graph: shapes, no numbers' },
        { title: 'Gradients', file: 'src/engine/gradients.ts', note: 'graph in, graph out' },
      ],
      [{ title: 'Trace', file: 'src/engine/plan/trace.ts', note: 'the graph as a list of steps' }],
      [{ title: 'Fuse', file: 'src/engine/plan/fuse.ts', note: 'rewrites the device can run' }],
      [{ title: 'Schedule', file: 'src/engine/plan/schedule.ts', note: 'in the order that keeps little alive' }],
      [{ title: 'Plan', file: 'src/engine/plan/plan.ts', note: 'plain data: steps, and places in one arena' }],
      [
        { title: 'WebGPU', file: 'src/engine/webgpu/lower-plan.ts', note: 'dispatches, one submit a run' },
        { title: 'Processor', file: 'src/engine/cpu/emit-plan.ts', note: 'one WebAssembly module' },
        { title: 'Reference', file: 'src/engine/reference/device.ts', note: 'float64 loops: the oracle' },
      ],
      [{ title: 'Run, read', file: 'src/engine/device.ts', note: 'lowered once, replayed as often as needed' }],
    ],
  },
  'explanation-way.svg': {
    title: 'The way of an explanation: from a picture to evidence',
    rows: [
      [{ title: 'Picture', file: 'src/lime/images/image.ts', note: '[H, W, 3], whatever was given' }],
      [
        { title: 'Segments', file: 'src/lime/segmenters', note: 'a label for each pixel' },
        { title: 'Fudged picture', file: 'src/lime/images/fudged-image.ts', note: 'what hidden segments show' },
      ],
      [{ title: 'Masks', file: 'src/lime/samples/sampling.ts', note: 'which segments each sample shows' }],
      [
        { title: 'Any predict function', file: 'src/lime/samples/predictors.ts', note: 'pictures in batches' },
        { title: 'A network of ours', file: 'src/engine/blend', note: 'what samples share is computed once' },
      ],
      [{ title: 'Fit', file: 'src/lime/fit', note: 'distances, kernel, ridge; intervals' }],
      [{ title: 'Explanation', file: 'src/lime/explanation', note: 'weights, warnings, pictures, JSON' }],
    ],
  },
}

const box = { width: 282, height: 66, gapX: 20, gapY: 34 }
const margin = 16

const text = (value) => value.replace(/&/g, '&amp;').replace(/</g, '&lt;')

/** One picture as SVG. @throws Error that names a box whose file is not there */
export function draw({ title, rows }) {
  const widest = Math.max(...rows.map((row) => row.length))
  const width = 2 * margin + widest * box.width + (widest - 1) * box.gapX
  const height = 2 * margin + rows.length * box.height + (rows.length - 1) * box.gapY
  const placed = rows.map((row, r) => {
    const left = (width - row.length * box.width - (row.length - 1) * box.gapX) / 2
    return row.map((entry, c) => ({
      ...entry,
      x: left + c * (box.width + box.gapX),
      y: margin + r * (box.height + box.gapY),
    }))
  })
  const arrows = placed.slice(1).flatMap((row, r) =>
    placed[r].flatMap((from) =>
      row.map((to) => {
        const [x1, x2] = [from.x + box.width / 2, to.x + box.width / 2]
        return `<path class="arrow" d="M${x1} ${from.y + box.height} L${x2} ${to.y - 3}" marker-end="url(#tip)"/>`
      }),
    ),
  )
  const boxes = placed.flat().map((entry) => {
    if (!existsSync(new URL(`../${entry.file}`, import.meta.url)))
      throw new Error(`architecture-pictures: ${entry.title} names ${entry.file}, which is not there`)
    const middle = entry.x + box.width / 2
    return `<rect x="${entry.x}" y="${entry.y}" width="${box.width}" height="${box.height}" rx="8"/>
<text class="title" x="${middle}" y="${entry.y + 21}">${text(entry.title)}</text>
<text class="file" x="${middle}" y="${entry.y + 39}">${text(entry.file.replace(/^src\//, ''))}</text>
<text class="note" x="${middle}" y="${entry.y + 56}">${text(entry.note ?? '')}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${text(title)}</title>
<style>
text { font-family: system-ui, sans-serif; text-anchor: middle; fill: #1f2328; font-size: 12px }
.title { font-weight: 600; font-size: 14px }
.file { font-family: ui-monospace, monospace; font-size: 11px; fill: #0550ae }
.note { fill: #59636e }
rect { fill: #f6f8fa; stroke: #818b98 }
.arrow { stroke: #59636e; fill: none; stroke-width: 1.5 }
#tip path { fill: #59636e }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .file { fill: #79c0ff } .note { fill: #b1bac4 } rect { fill: #161b22; stroke: #6e7681 }
.arrow { stroke: #b1bac4 } #tip path { fill: #b1bac4 }
}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>
${arrows.join('\n')}
${boxes.join('\n')}
</svg>
`
}

if (import.meta.main ?? process.argv[1] === new URL(import.meta.url).pathname)
  for (const [name, picture] of Object.entries(pictures)) writeFileSync(new URL(name, import.meta.url), draw(picture))
