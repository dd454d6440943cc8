import * as v from 'valibot'
import type { photographRecord } from './photograph-record.ts'
import type { LineKind } from './result-file.ts'

/** A line of many photographs: what was found, or why nothing was. */

const file = { image: v.string(), digest: v.nullable(v.string()) }
const answer = v.object({
  label: v.number(),
  name: v.string(),
  probability: v.optional(v.number()),
  value: v.optional(v.number()),
})
const explained = v.object({
  ...file,
  best: v.array(answer),
  names: v.record(v.string(), v.string()),
  report: v.string(),
})
const failed = v.object({ ...file, error: v.string() })

export type ExplainedLine = v.InferOutput<typeof explained>
/** Of a picture that could not be read or explained; without a digest where it could not even be opened. */
export type FailedLine = v.InferOutput<typeof failed>
export type PhotographLine = ExplainedLine | FailedLine

export const photographLine: LineKind<PhotographLine> = {
  read(content) {
    const found = v.safeParse(v.union([failed, explained]), content)
    return found.success ? found.output : null
  },
  // A file that was changed is another picture.
  keyOf: ({ image, digest }) => `${digest}:${image}`,
}

export function isFailed(line: PhotographLine): line is FailedLine {
  return 'error' in line
}

/** What is written of a photograph. @param report the name of its page */
export function explainedLine(record: ReturnType<typeof photographRecord>, report: string) {
  return { ...record, report }
}
