import { openToAppend, writeFileAtomically } from './atomic-write.ts'
import { nodeModule } from './node-module.ts'
import { type Choices, choicesIn } from './tuning-choices.ts'

/**
 * What was found out by measuring machines, as lines of JSON, `{ machine: { what: choice } }`, one for each time; later ones count. A
 * line is added in one write, and by the system at the file's end: processes that write at once lose nothing of each other. (Over a
 * network, NFS say, the end may be an old one; then a line is lost, and what it said is measured again.)
 *
 * Of the file there are several one after the other: `tuning.jsonl`, `tuning.jsonl.1`, `tuning.jsonl.2` … Lines go to the last. When
 * that has grown, whoever makes the next one has closed it: only one process can. All before the new one are then written as one,
 * without what was superseded, in place of the last of them; the others go. A process that has written to a file looks whether that
 * is still the last, and writes to the new last one, too, where it is not. So a closed file changes no more in what it says, and
 * a process that is killed at any moment, or that sleeps for a day, spoils nothing.
 */

/** In bytes: a machine's choices take some hundred each time, and are read whole. */
const grown = 2 ** 16

/**
 * What nothing can be read from says nothing, what can't be written is forgotten.
 * @param path where the first file is
 * @param limit bytes that a file grows to before it is closed
 */
export function tuningFile(path: string, limit = grown) {
  return {
    async read(machine: string): Promise<Choices> {
      const { text } = await allLines(path).catch(() => ({ text: '' }))
      return choicesByMachine(text).get(machine) ?? {}
    },
    async write(machine: string, choices: Choices): Promise<void> {
      try {
        const size = await append(path, lineOf(machine, choices))
        if (size > limit) await closeLast(path)
      } catch {}
    },
  }
}

/** The break comes first: a line that was cut off, by a full disk say, spoils no other. */
const lineOf = (machine: string, choices: Choices) => `\n${JSON.stringify({ [machine]: choices })}`

const fileOf = (path: string, number: number) => (number === 0 ? path : `${path}.${number}`)

/** The numbers of the files that there are, in order. */
async function numbersAt(path: string): Promise<number[]> {
  const { basename, dirname } = nodeModule('node:path')
  const first = basename(path)
  const names = await nodeModule('node:fs/promises')
    .readdir(dirname(path))
    .catch(() => [])
  const numbers = names.flatMap((name) => {
    if (name === first) return [0]
    const rest = name.startsWith(`${first}.`) ? name.slice(first.length + 1) : ''
    return /^[1-9]\d{0,14}$/.test(rest) ? [Number(rest)] : []
  })
  return numbers.sort((a, b) => a - b)
}

/** All lines, in order, and the files that they are from. */
async function allLines(path: string): Promise<{ readonly text: string; readonly numbers: readonly number[] }> {
  const { readFile } = nodeModule('node:fs/promises')
  for (;;) {
    const texts: string[] = []
    const numbers = await numbersAt(path)
    try {
      for (const number of numbers) texts.push(await readFile(fileOf(path, number), 'utf8'))
      return { text: texts.join('\n'), numbers }
    } catch (error) {
      // It was made one with those after it just now: those have to be read anew.
      const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!isGone || (await numbersAt(path)).join() === numbers.join()) throw error
    }
  }
}

function choicesByMachine(text: string): Map<string, Choices> {
  const machines = new Map<string, Choices>()
  for (const line of text.split('\n'))
    for (const [machine, choices] of Object.entries(entriesOf(line)))
      machines.set(machine, { ...machines.get(machine), ...choicesIn(choices) })
  return machines
}

function entriesOf(line: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(line) }
  } catch {
    return {}
  }
}

/** @returns how many bytes the file has that the line is the end of */
async function append(path: string, line: string): Promise<number> {
  let [written, size] = [-1, 0]
  for (;;) {
    const last = (await numbersAt(path)).at(-1) ?? 0
    if (last <= written) return size
    const file = await openToAppend(fileOf(path, last))
    try {
      await file.writeFile(line)
      ;[written, size] = [last, (await file.stat()).size]
    } finally {
      await file.close()
    }
  }
}

/** Makes the next file, and one of all before it. Nothing happens where another process made it. */
async function closeLast(path: string): Promise<void> {
  const { open, rm } = nodeModule('node:fs/promises')
  const closed = (await numbersAt(path)).at(-1) ?? 0
  // Fails where it is there already.
  await (await open(fileOf(path, closed + 1), 'wx')).close()
  // From here on: whatever is written to closed files by now is there to be read, and who writes to one still will write it again.
  const { text, numbers } = await allLines(path)
  if (!numbers.includes(closed)) return
  const all = Array.from(choicesByMachine(text), ([machine, choices]) => lineOf(machine, choices))
  await writeFileAtomically(fileOf(path, closed), all.join(''))
  // Only what was read may go.
  for (const number of numbers) if (number < closed) await rm(fileOf(path, number), { force: true })
}
