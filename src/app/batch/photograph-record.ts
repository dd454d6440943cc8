import type { ExplanationRequest } from '../../lime/index.ts'
import type { ExplainedPhotograph } from '../photographs/explain-photograph.ts'
import { answerRecord, saysValues, topAnswers } from '../tasks/answers.ts'
import { className } from '../tasks/picture-task.ts'
import { explanationRecord, type Judgement } from './explanation-record.ts'

/** A photograph's file. */
export interface PhotographFile {
  /** As it was named, with slashes. */
  readonly path: string
  /** SHA-256 of its bytes. */
  readonly digest: string
}

interface RecordOptions extends Judgement {
  readonly withMasks?: boolean
  /** What was asked; not repeated in each line of many. */
  readonly request?: ExplanationRequest
}

/** How many of the most probable classes are told by name. */
export const mostAnswers = 5

/** What was explained about a photograph as one JSON object; segments are at the network's size. */
export function photographRecord(
  { path, digest }: PhotographFile,
  explained: ExplainedPhotograph,
  device: { name: string; adapter: string },
  options: RecordOptions = {},
) {
  const { photograph, attribution, region, vanished, warnings } = explained
  const { picture, task, fit, segmentedIn = 'network' } = photograph
  const { index, label, predicted, probabilities, ...record } = explanationRecord({}, attribution, device, options)
  return {
    image: path,
    digest,
    height: picture.height,
    width: picture.width,
    fit,
    seen: region,
    best: topAnswers(attribution.prediction, mostAnswers, task).map((answer) => answerRecord(answer, task)),
    ...(saysValues(task) ? { values: probabilities } : { predicted, probabilities }),
    names: Object.fromEntries(
      attribution.labels.map((explainedLabel) => [explainedLabel, className(task, explainedLabel)]),
    ),
    ...record,
    segmentedIn,
    ...(vanished > 0 && { vanished }),
    warnings,
  }
}
