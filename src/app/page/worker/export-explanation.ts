import type { Attribution } from '../../../lime/index.ts'
import { boundariesPng, fourPanels, weightsPng, weightsSvg } from '../../batch/explanation-pictures.ts'
import { explanationRecord } from '../../batch/explanation-record.ts'
import type { ExportFormat, ExportSubject } from '../contract/engine-api.ts'
import type { Explained } from './explaining.ts'

/** Files of an explanation. Loaded when the first is asked for, so that the page opens without a PNG writer. */

const types = { png: 'image/png', svg: 'image/svg+xml', json: 'application/json' } as const

export function exportExplanation(
  { attribution, request }: Explained,
  device: { readonly name: string; readonly adapter: string },
  label: number,
  format: ExportFormat,
  { title, ...subject }: ExportSubject,
): Blob {
  return fileOf(attribution, label, format, title, () => explanationRecord(subject, attribution, device, { request }))
}

/** @param record what a JSON file holds @param least of the colour scale's end: see weightLimit */
export function fileOf(
  attribution: Attribution,
  label: number,
  format: ExportFormat,
  title: string,
  record: () => object,
  least?: number,
): Blob {
  const content = () => {
    switch (format) {
      case 'overlay.png':
        return weightsPng(attribution, label, 'overlay', least)
      case 'heatmap.png':
        return weightsPng(attribution, label, 'heatmap', least)
      case 'boundaries.png':
        return boundariesPng(attribution)
      case 'panels-for.png':
        return fourPanels(attribution, label, 'positive')
      case 'panels-against.png':
        return fourPanels(attribution, label, 'negative')
      case 'overlay.svg':
        return weightsSvg(attribution, label, 'overlay', title, least)
      case 'heatmap.svg':
        return weightsSvg(attribution, label, 'heatmap', title, least)
      case 'explanation.json':
        return JSON.stringify(record())
    }
  }
  const extension = format.slice(format.lastIndexOf('.') + 1) as keyof typeof types
  // Bytes of our own writers lie in plain memory, which is what a Blob takes.
  return new Blob([content() as Uint8Array<ArrayBuffer> | string], { type: types[extension] })
}
