import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { FormatError } from '../../engine/errors.ts'
import { FileWriteError, writeFileAtomically } from '../../engine/platform/atomic-write.ts'

/**
 * A run is what decides the content of its result lines: the model, the options, the version of the program. Its hash names
 * it, and every line carries that name. settings.json says what the name stands for; nothing depends on its being there.
 */

export type RunSettings = Readonly<Record<string, unknown>>

/** The settings, and beside them what a request in them says. */
function named(settings: RunSettings): RunSettings {
  const { request, ...others } = settings
  if (typeof request !== 'object' || request === null) return settings
  const { version: _form, ...fields } = { version: null, ...request }
  return { ...others, ...fields }
}

/** 16 hexadecimal digits, the same in whatever order the settings are given. */
export function runNameOf(settings: RunSettings): string {
  return createHash('sha256')
    .update(JSON.stringify(ordered(settings)))
    .digest('hex')
    .slice(0, 16)
}

/** As JSON has it (without what is undefined), keys in order. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, own]) => own !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, own]) => [key, ordered(own)]),
  )
}

export async function writeSettings(path: string, settings: RunSettings): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify({ run: runNameOf(settings), ...settings }, null, 2)}\n`)
}

/**
 * What a settings.json says; null where there is none.
 * @throws FormatError for a file that is something else: it may be anybody's
 */
export async function readSettings(path: string): Promise<{ run: string; settings: RunSettings } | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new FileWriteError(path, error)
  }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {}
  if (typeof content === 'object' && content !== null && 'run' in content) {
    const { run, ...settings } = content
    if (run === runNameOf(settings)) return { run, settings }
  }
  throw new FormatError(
    `${path} is not the settings of a run of this version: it was made by an earlier one, changed, or is another program's; take another folder`,
  )
}

/** The settings that differ, in words: "samples was 1000 and is 50 now". */
export function differences(settingsBefore: RunSettings, settingsNow: RunSettings): string {
  const [before, now] = [named(settingsBefore), named(settingsNow)]
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  const shown = (value: unknown) => (value === undefined ? 'not given' : JSON.stringify(value))
  return names
    .filter((name) => JSON.stringify(ordered(before[name])) !== JSON.stringify(ordered(now[name])))
    .map((name) =>
      name === 'model' ? 'the model is another' : `${name} was ${shown(before[name])} and is ${shown(now[name])} now`,
    )
    .join(', ')
}
