import { ArgumentError } from '../../engine/errors.ts'
import { explainerFor, explanationRequest, type ImageInput } from '../../lime/index.ts'
import { explanationRecord, type ImageSource } from '../batch/explanation-record.ts'
import { pixelsOf } from '../data/image-set.ts'
import { readInput } from '../inputs/input-file.ts'
import type { ReadModelFile } from '../inputs/model-file.ts'
import { decodePicture } from '../pictures/decode-picture.ts'
import { floatImage } from '../pictures/picture.ts'
import { task } from '../tasks/chosen-task.ts'
import { classNamesOf, pictureOf } from '../tasks/task.ts'
import { loadSplit } from './data-set.ts'
import type { Call, Question } from './explain-one.ts'
import { type ExplainCommandOptions, requestOf, withLabels } from './explain-options.ts'
import { writePictures } from './explanation-files.ts'
import { asText } from './explanation-output.ts'
import { placeModel, readModelFile } from './open-model.ts'

/** Pictures that a network takes as they are: images of the test set, and files of exactly its size for networks of our own. */

interface GivenImage extends ImageSource {
  readonly input: ImageInput
}

export async function askTestImage(options: ExplainCommandOptions, signal: AbortSignal): Promise<Question> {
  const index = options.index ?? 0
  const test = await loadSplit('test', signal)
  if (index >= test.count)
    throw new ArgumentError(`--index ${index}: the test set has the images 0 to ${test.count - 1}`)
  const given = { input: pictureOf(task, pixelsOf(test, index)), index, label: test.labels[index] }
  return askAsItIs(given, await readModelFile(options.model), options)
}

/** @param read a network that takes values from 0 to 1, and pictures of no other size than its own */
export async function askOwnPicture(
  file: string,
  read: ReadModelFile,
  options: ExplainCommandOptions,
  signal: AbortSignal,
): Promise<Question> {
  const picture = await readInput(file, (bytes) => decodePicture(bytes, { ground: 'contrast', signal }))
  const { data, height, width, channels } = floatImage(picture)
  return askAsItIs({ input: { data, shape: [height, width, channels] } }, read, options)
}

async function askAsItIs(given: GivenImage, read: ReadModelFile, options: ExplainCommandOptions): Promise<Question> {
  const names = classNamesOf(task, read.model)
  const request = explanationRequest(withLabels(requestOf(options), options, names))
  const opened = await placeModel(read, options)
  const explainImage = explainerFor(request)
  return {
    opened,
    request,
    async explain(call: Call) {
      const attribution = await explainImage(given.input, opened.model, call)
      return {
        attribution,
        warnings: attribution.warnings,
        record: (device, recorded) => explanationRecord(given, attribution, device, recorded),
        text: (judgement) => asText(given, attribution, names, judgement),
        write: (folder, signal) =>
          writePictures(folder, { pictures: attribution, nameOf: (label) => names[label] }, signal),
      }
    },
  }
}
