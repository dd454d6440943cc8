import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Zip } from '../../../../src/engine/formats/zip.ts'

/** What write-keras-files.py and write-small-files.py wrote: Keras's files, and what Keras answers. */
const zip = new Zip(readFileSync(join(import.meta.dirname, 'files.zip')))

/** @throws Error where there is none of this name */
export async function kerasFile(name: string): Promise<Uint8Array> {
  const file = await zip.file(name)
  if (!file) throw new Error(`files.zip has no ${name}`)
  return file
}

interface Numbers {
  readonly shape: number[]
  readonly data: number[]
}

export async function kerasAnswers(): Promise<{ input: Numbers; output: Record<string, Numbers> }> {
  return JSON.parse(new TextDecoder().decode(await kerasFile('answers.json')))
}
