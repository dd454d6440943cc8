import { FormatError } from '../../errors.ts'
import type { StatedImages } from '../opened-model.ts'
import { Zip } from '../zip.ts'
import { FlatTable } from './flatbuffer.ts'

/**
 * TensorFlow Lite's metadata: a FlatBuffer of its own (metadata_schema.fbs) among the file's buffers. The files that it speaks of, labels
 * say, are a zip that is appended to the model.
 */

const source = "the file's metadata"
const imageProperties = 2
const colourSpaces = [undefined, 'rgb', 'grey'] as const
const normalizationOptions = 1
const axisLabels = 2
const valueLabels = 3

/**
 * @param metadata undefined where the model has none
 * @param file the whole model
 * @throws FormatError for metadata that are damaged
 */
export async function statedInMetadata(metadata: Uint8Array | undefined, file: Uint8Array): Promise<StatedImages> {
  if (!metadata) return {}
  const [main] = FlatTable.rootOf(metadata).tables(3)
  if (!main) return {}
  const [input] = main.tables(2)
  const [output] = main.tables(3)
  return { ...(input && statedOfInput(input)), ...(output && (await statedOfOutput(output, file))) }
}

function statedOfInput(input: FlatTable): StatedImages {
  const content = input.table(3)
  const isImage = content?.number(0, 'int8') === imageProperties
  const channels = isImage ? colourSpaces[content?.table(1)?.number(0, 'int8') ?? 0] : undefined
  const normalization = input
    .tables(4)
    .find((unit) => unit.number(0, 'int8') === normalizationOptions)
    ?.table(1)
  const [means, deviations] = [
    normalization?.numbers(0, 'float32', 64) ?? [],
    normalization?.numbers(1, 'float32', 64) ?? [],
  ]
  const isWhole = means.length > 0 && deviations.length > 0 && deviations.every((one) => one !== 0)
  const each = Math.max(means.length, deviations.length)
  const of = (list: readonly number[], i: number) => list[list.length === 1 ? 0 : i]
  const preprocessing = {
    scale: Array.from({ length: each }, (_, i) => 1 / of(deviations, i)),
    offset: Array.from({ length: each }, (_, i) => -of(means, i) / of(deviations, i)),
  }
  return {
    ...(channels && { channels: { value: channels, source } }),
    ...(isWhole && { preprocessing: { value: preprocessing, source } }),
  }
}

/** The labels of the first language that there is. */
async function statedOfOutput(output: FlatTable, file: Uint8Array): Promise<StatedImages> {
  const labels = output.tables(6).find((associated) => [axisLabels, valueLabels].includes(associated.number(2, 'int8')))
  const name = labels?.text(0)
  if (name === undefined) return {}
  const bytes = await packed(file, name)
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return { classNames: { value: lines, source: `${name} in ${source}` } }
}

async function packed(file: Uint8Array, name: string): Promise<Uint8Array> {
  const bytes = await new Zip(archiveIn(file)).file(name)
  if (bytes) return bytes
  throw new FormatError(`its metadata speak of ${name}, which is not packed into it`)
}

/**
 * The zip at a file's end. Some writers count its places from the file's beginning, as Python does, some from the zip's: where its list of
 * files lies and where it says that this lies tell which.
 */
function archiveIn(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  for (let at = file.length - 22; at >= Math.max(0, file.length - 65_557); at--) {
    if (view.getUint32(at, true) !== 0x06054b50) continue
    const [size, place] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)]
    return file.subarray(Math.max(0, at - size - place))
  }
  return file
}
