import { explanationRecord } from '../../../batch/explanation-record.ts'
import { saysValues } from '../../../tasks/answers.ts'
import { valueWords } from '../../answer-words.ts'
import type { PhotographFormat } from '../../contract/photograph-api.ts'
import { fileOf } from '../export-explanation.ts'
import type { PhotographExplained } from './explaining-photographs.ts'

/** Files of a photograph's explanation. Loaded when the first is asked for. */

export function exportPhotograph(
  whole: PhotographExplained,
  device: { readonly name: string; readonly adapter: string },
  label: number,
  format: PhotographFormat,
  title: string,
): Blob {
  const least = saysValues(whole.asking.task) ? valueWords.least : undefined
  return fileOf(whole.shown, label, format, title, () => recordOf(whole, device), least)
}

/** The numbers, with what is needed to have them again: how the picture came to the network, and the segments, also where they were drawn. */
function recordOf(
  { asking, explained, attribution, request, warnings }: PhotographExplained,
  device: { readonly name: string; readonly adapter: string },
) {
  const { picture, fit, task, classNames } = asking
  const { classNames: _, ...howTaken } = task
  const { predicted, probabilities, ...record } = explanationRecord({}, attribution, device, { request })
  return {
    ...(saysValues(task) ? { values: probabilities } : { predicted, probabilities }),
    ...record,
    warnings,
    classNames: Object.fromEntries(attribution.labels.map((label) => [label, classNames[label]])),
    photograph: { height: picture.height, width: picture.width, fit, region: explained.region },
    task: howTaken,
  }
}
