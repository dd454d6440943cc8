import * as v from 'valibot'
import { oneOf, parsed, text } from '../../../engine/arguments.ts'
import { FormatError } from '../../../engine/errors.ts'
import type { RequestInput } from '../../../lime/index.ts'
import type { Fit } from '../../photographs/framing.ts'

/** What a run's run.json says that its parts do not. */
export interface RunDescription {
  /** The run's hash. */
  readonly run: string
  readonly request: RequestInput
  /** The network's file, or its name. */
  readonly model: string
  readonly fit: Fit
}

export const descriptionName = 'run.json'

const described = v.object({
  run: text,
  version: oneOf(1),
  request: v.looseObject({ version: v.literal(1), method: v.string() }),
  model: v.object({ source: v.string(), fit: v.optional(v.picklist(['squash', 'crop'])) }),
})

/** @throws FormatError for another file of that name */
export async function readDescription(file: File): Promise<RunDescription> {
  const { run, request, model } = parsed(file.name, described, jsonIn(file.name, await file.text()))
  return { run, request, model: model.source, fit: model.fit ?? 'squash' }
}

function jsonIn(name: string, content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    throw new FormatError(`${name} is not JSON: it is no planned run`)
  }
}
