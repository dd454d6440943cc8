import { join } from 'node:path'
import type { Device } from '../../engine/device.ts'
import type { Model } from '../../engine/facade/model.ts'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import {
  type Explanation,
  felzenszwalb,
  LimeImageExplainer,
  quickshift,
  RandomState,
  type SegmentationFn,
} from '../../lime/index.ts'
import { fourPanels } from '../batch/explanation-pictures.ts'
import { type ImageSet, pixelsOf } from '../data/image-set.ts'
import { task } from '../tasks/chosen-task.ts'
import { type Evaluation, evaluateModel } from '../tasks/evaluation.ts'
import { pictureOf } from '../tasks/task.ts'
import type { EpochEntry } from './curves.ts'
import { type ReportChapter, reportPage } from './report.ts'

/** What the walk tells people while it goes on. */
export interface WalkReporter {
  note(text: string): void
  progress(label: string, done: number, total: number): void
}

export interface WalkOptions {
  readonly model: Model
  readonly device: Device
  readonly test: ImageSet
  readonly origin: string
  readonly log: readonly EpochEntry[]
  readonly out: string
  readonly signal: AbortSignal
  readonly reporter: WalkReporter
}

/** The tutorial's seeds: image 7270 comes from one, the samples and quickshift's noise from the other. */
const choiceSeed = 42
const explainerSeed = 123

interface Stop {
  readonly name: string
  readonly title: string
  readonly index: number
  readonly segmenter: string
  readonly segmentationFn: SegmentationFn
}

/** The three explanations of the tutorial, made by one explainer one after the other as there. */
function stopsOf(evaluation: Evaluation): Stop[] {
  const right = new RandomState(choiceSeed).choice(evaluation.count)
  const lime = {
    segmenter: "quickshift with lime's parameters",
    segmentationFn: quickshift({ kernelSize: 4, maxDist: 200, ratio: 0.2 }),
  }
  const fine = { segmenter: "felzenszwalb with scikit-image's parameters", segmentationFn: felzenszwalb() }
  const stops: Stop[] = [
    { name: 'right-quickshift', title: 'A prediction, explained with quickshift', index: right, ...lime },
    { name: 'right-felzenszwalb', title: 'The same prediction, explained with felzenszwalb', index: right, ...fine },
  ]
  if (evaluation.wrong.length > 0) {
    const wrong = new RandomState(choiceSeed).choice(evaluation.wrong)
    stops.push({ name: 'wrong-felzenszwalb', title: 'A wrong prediction, explained', index: wrong, ...fine })
  }
  return stops
}

interface ExplainedStop extends Stop {
  readonly explanation: Explanation
  readonly label: number
  readonly predicted: number
}

async function explainStop(stop: Stop, explainer: LimeImageExplainer, options: WalkOptions): Promise<ExplainedStop> {
  const { model, test, signal, reporter } = options
  const image = pictureOf(task, pixelsOf(test, stop.index))
  const explanation = await explainer.explainInstance(image, model, {
    segmentationFn: stop.segmentationFn,
    randomSeed: explainerSeed,
    signal,
    onProgress: ({ phase, done, total }) => {
      if (phase === 'prediction') reporter.progress(`Explaining image ${stop.index}`, done, total)
    },
  })
  return { ...stop, explanation, label: test.labels[stop.index], predicted: explanation.topLabels[0] }
}

function percent(probability: number): string {
  return `${(probability * 100).toFixed(2)} %`
}

function describe({ index, label, predicted, segmenter, explanation }: ExplainedStop): string {
  const { classNames } = task
  const probability = (of: number) => percent(explanation.probabilities.data[of])
  const verdict =
    label === predicted
      ? `is a ${classNames[label]}, and the network says so with ${probability(label)}`
      : `is a ${classNames[label]} (${probability(label)}), but the network takes it for a ${classNames[predicted]} (${probability(predicted)})`
  const count = explanation.masks.shape[1]
  return `Test image ${index} ${verdict}. Segmented by ${segmenter}: ${count} segment${count === 1 ? '' : 's'}. The surrogate explains ${percent(explanation.score[predicted])} of the variation (R²).`
}

/** The pictures of one stop: for the predicted class, and for the true one where they differ. */
function picturesOf({ name, label, predicted, explanation }: ExplainedStop): ReportChapter['pictures'] {
  const labels = [...new Set([predicted, label])].filter((one) => explanation.labels.includes(one))
  return labels.flatMap((one) =>
    (['positive', 'negative'] as const).map((evidence) => ({
      caption: `What speaks ${evidence === 'positive' ? 'for' : 'against'} ${task.classNames[one]}`,
      file: `${name}-${task.classNames[one].toLowerCase().replace(/[^a-z]+/g, '-')}-${evidence}.png`,
      png: fourPanels(explanation, one, evidence),
    })),
  )
}

function resultOf(explained: ExplainedStop, pictures: ReportChapter['pictures']) {
  const { index, label, predicted, segmenter, explanation } = explained
  const { labels, probabilities, segments, score, intercept, localPred, localExp, warnings, timings } = explanation
  return {
    index,
    label,
    predicted,
    segmenter,
    segments: { count: explanation.masks.shape[1], map: Array.from(segments.data) },
    probabilities: Array.from(probabilities.data.subarray(0, probabilities.shape[1])),
    explanation: Object.fromEntries(
      labels.map((one) => [
        one,
        { intercept: intercept[one], score: score[one], localPrediction: localPred[one], weights: localExp[one] },
      ]),
    ),
    pictures: pictures.map(({ file }) => file),
    warnings,
    timings,
  }
}

/**
 * Walks through what the tutorial shows, given a trained model: evaluation, a right prediction explained in two ways, a
 * wrong one explained; writes the pictures, report.html and results.json.
 * @returns the paths written
 */
export async function walkThrough(options: WalkOptions): Promise<string[]> {
  const { model, device, test, origin, log, out, signal, reporter } = options
  const evaluation = await evaluateModel(task, model, test, {
    signal,
    onProgress: (done, total) => reporter.progress('Evaluating', done, total),
  })
  reporter.note(
    `Accuracy ${evaluation.accuracy.toFixed(4)} on ${evaluation.count} test images\n\n${evaluation.report.text}`,
  )

  const explainer = new LimeImageExplainer({ randomState: explainerSeed })
  const chapters: ReportChapter[] = []
  const explanations: unknown[] = []
  const written: string[] = []
  const write = async (name: string, content: Uint8Array | string) => {
    const path = join(out, name)
    await writeFileAtomically(path, content)
    written.push(path)
  }
  for (const stop of stopsOf(evaluation)) {
    const explained = await explainStop(stop, explainer, options)
    const pictures = picturesOf(explained)
    const text = describe(explained)
    reporter.note(text)
    for (const { file, png } of pictures) await write(file, png)
    chapters.push({ title: stop.title, text, pictures, warnings: explained.explanation.warnings })
    explanations.push(resultOf(explained, pictures))
  }

  const { report, accuracy, loss, count, confusionMatrix } = evaluation
  const { text, ...scores } = report
  const results = {
    origin,
    device: { name: device.info.kind, adapter: device.info.adapter },
    log,
    evaluation: { count, accuracy, loss, confusionMatrix, report: scores, text, wrong: evaluation.wrong },
    explanations,
  }
  await write('results.json', `${JSON.stringify(results)}\n`)
  await write('report.html', reportPage({ summary: model.summary(), origin, log, evaluation, chapters }))
  return written
}
