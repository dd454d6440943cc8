import { join } from 'node:path'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import type { AbortSignal } from '../../engine/platform/types.ts'
import type { Attribution } from '../../lime/index.ts'
import { boundariesPng, fourPanels, weightsPng, weightsSvg } from '../batch/explanation-pictures.ts'

/** The pictures of an explanation, as files of a folder. */

interface Drawn {
  /** What the pictures are painted on. */
  readonly pictures: Attribution
  /** The same for figures, in which pictures are smaller; as the pictures unless given. */
  readonly figures?: Attribution
  readonly nameOf: (label: number) => string
  /** Of the colour scale's end: see weightLimit. */
  readonly least?: number
}

export async function writePictures(folder: string, drawn: Drawn, signal: AbortSignal): Promise<void> {
  const { pictures, figures = pictures, nameOf, least } = drawn
  const write = (name: string, data: string | Uint8Array) => {
    signal.throwIfAborted()
    return writeFileAtomically(join(folder, name), data)
  }
  for (const label of pictures.labels) {
    for (const evidence of ['positive', 'negative'] as const)
      await write(`label-${label}-${evidence}.png`, fourPanels(figures, label, evidence))
    for (const picture of ['heatmap', 'overlay'] as const) {
      await write(`label-${label}-${picture}.png`, weightsPng(pictures, label, picture, least))
      const title = `What speaks for and against ${nameOf(label)}`
      await write(`label-${label}-${picture}.svg`, weightsSvg(figures, label, picture, title, least))
    }
  }
  await write('boundaries.png', boundariesPng(pictures))
}
