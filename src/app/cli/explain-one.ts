import { join } from 'node:path'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import {
  type Attribution,
  type CallOptions,
  type ExplanationRequest,
  type Faithfulness,
  faithfulnessOf,
  stabilityOfRuns,
} from '../../lime/index.ts'
import type { Judgement } from '../batch/explanation-record.ts'
import type { ExplainCommandOptions } from './explain-options.ts'
import { deviceOf, type OpenModel } from './open-model.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'

/** One picture, explained, judged if that was asked for, printed and written: whatever picture it is. */

/** What an explanation is told each time. */
export type Call = Pick<CallOptions, 'labels' | 'signal' | 'onProgress'>

/** A picture and the network that is asked about it. */
export interface Question {
  readonly opened: OpenModel
  readonly request: ExplanationRequest
  /** Calls that follow one another draw from one random stream. */
  readonly explain: (call: Call) => Promise<Finding>
}

/** What was found, and how it is told. */
export interface Finding {
  readonly attribution: Attribution
  readonly warnings: readonly string[]
  readonly record: (device: { name: string; adapter: string }, recorded: Recorded) => object
  readonly text: (judgement: Judgement) => string
  /** Writes the pictures, and whatever else shows the explanation. */
  readonly write: (folder: string, signal: AbortSignal) => Promise<void>
}

export interface Recorded extends Judgement {
  readonly withMasks?: boolean
  readonly request?: ExplanationRequest
}

/** @param ask opens the picture and the network */
export async function explainOne(
  ask: (options: ExplainCommandOptions, signal: AbortSignal) => Promise<Question>,
  options: ExplainCommandOptions,
): Promise<void> {
  const signal = interruptSignal(undefined, options.device)
  const { opened, request, explain } = await ask(options, signal)
  const bar = progressBar('Explaining')
  const watched: Call = {
    signal,
    onProgress: ({ phase, done, total }) => {
      if (phase === 'prediction') bar.update(done, total)
    },
  }
  try {
    const finding = await explain(watched)
    const { attribution } = finding
    const again = async () => (await explain({ ...watched, labels: attribution.labels })).attribution
    const judgement = await judge(attribution, again, opened, signal, options)
    bar.stop()
    for (const warning of finding.warnings) note(`warning: ${warning}`)
    const json = JSON.stringify(
      finding.record(deviceOf(opened.device), { withMasks: options.masks, request, ...judgement }),
    )
    // First what can't be lost any more: a disk may fill up while the pictures are written.
    result(options.json ? json : finding.text(judgement))
    const { out } = options
    if (out !== undefined) {
      await finding.write(out, signal)
      signal.throwIfAborted()
      await writeFileAtomically(join(out, 'explanation.json'), `${json}\n`)
      note(`pictures and explanation.json are in ${out}`)
    }
  } finally {
    bar.stop()
    opened.dispose()
  }
}

/** How far to trust an explanation, and how true it is, if that was asked for. */
async function judge(
  attribution: Attribution,
  again: () => Promise<Attribution>,
  { model }: OpenModel,
  signal: AbortSignal,
  { stability: runs, faithfulness, factored }: ExplainCommandOptions,
): Promise<Judgement> {
  const judgement: { -readonly [K in keyof Judgement]: Judgement[K] } = {}
  if (runs !== undefined) judgement.stability = await stabilityOfRuns(again, { runs })
  if (faithfulness) {
    const found = new Map<number, Faithfulness>()
    for (const label of attribution.labels)
      found.set(label, await faithfulnessOf(attribution, model, { label, signal, factored }))
    judgement.faithfulness = found
  }
  return judgement
}
