import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ArgumentError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import { writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { type ExplanationRequest, explainerFor, mapSegmenter } from '../../lime/index.ts'
import { type PhotographFile, photographRecord } from '../batch/photograph-record.ts'
import { photographReport } from '../batch/photograph-report.ts'
import { readInput } from '../inputs/input-file.ts'
import type { ReadModelFile } from '../inputs/model-file.ts'
import { type ExplainedPhotograph, explainPhotograph, type Photograph } from '../photographs/explain-photograph.ts'
import { shownOnPhotograph } from '../photographs/on-photograph.ts'
import { photographRequest } from '../photographs/photograph-request.ts'
import { withoutBest } from '../photographs/without-segments.ts'
import { decodePicture } from '../pictures/decode-picture.ts'
import { encodePng } from '../pictures/encode-png.ts'
import { labelMapFromPng } from '../pictures/label-map-picture.ts'
import type { Picture } from '../pictures/picture.ts'
import { saysValues } from '../tasks/answers.ts'
import { className, type PictureTask, pictureModel } from '../tasks/picture-task.ts'
import type { Call, Question } from './explain-one.ts'
import { type ExplainCommandOptions, requestOf, withLabels } from './explain-options.ts'
import { writePictures } from './explanation-files.ts'
import { photographText } from './explanation-output.ts'
import { type OpenModel, placeModel } from './open-model.ts'
import { pictureTaskFor } from './picture-options.ts'

/** A photograph, explained by a network that may take its pictures in another size, order and range. */

/** A network that photographs are asked about. */
export interface PhotographNetwork {
  readonly task: PictureTask
  /** For pictures as they are here. */
  readonly model: Model
  readonly digest: string
  /** Its file, for people. */
  readonly name: string
  readonly request: ExplanationRequest
  readonly photograph: Omit<Photograph, 'picture'>
}

/** What is asked of photographs by a network whose file was read. @throws ArgumentError for what must be known, and is not */
export async function photographNetwork(
  { model, path, digest }: ReadModelFile,
  options: ExplainCommandOptions,
): Promise<PhotographNetwork> {
  const task = await pictureTaskFor(model, path, options)
  const { crop, segmentIn = 'network', segments: drawn } = options
  const segments = drawn === undefined ? undefined : await readInput(drawn, (bytes) => labelMapFromPng(bytes))
  checkColour(options)
  const asked = withLabels(requestOf(options), options, task.classNames?.value ?? null)
  const request = photographRequest(segments ? { ...asked, segmenter: await mapSegmenter(segments) } : asked, task)
  const photograph = { task, fit: crop ? 'crop' : 'squash', segmentedIn: segmentIn, segments } as const
  return { task, model: pictureModel(model, task), digest, name: options.model, request, photograph }
}

/** Colours from 0 to 255 are a slip of the hand that would explain what no picture shows. */
function checkColour({ hideColor }: ExplainCommandOptions): void {
  const values = typeof hideColor === 'string' || hideColor === undefined ? [] : [hideColor ?? []].flat()
  if (values.some((value) => value < 0 || value > 1))
    throw new ArgumentError(
      `--hide-color ${values.join(',')}: colours of photographs are numbers from 0, black, to 1, white`,
    )
}

/** A photograph's file, read. */
export interface ReadPhotograph {
  readonly file: PhotographFile
  readonly picture: Picture
}

/** @throws LimelightError for a file that is no picture, with its path */
export function readPhotograph(path: string, signal: AbortSignal): Promise<ReadPhotograph> {
  return readInput(path, async (bytes) => {
    const file = { path, digest: createHash('sha256').update(bytes).digest('hex') }
    return { file, picture: await decodePicture(bytes, { signal }) }
  })
}

/** Pixels a side of the pictures in figures of several panels. */
const figureSide = 480

export async function askPhotograph(
  path: string,
  read: ReadModelFile,
  options: ExplainCommandOptions,
  signal: AbortSignal,
): Promise<Question> {
  const network = await photographNetwork(read, options)
  const { file, picture } = await readPhotograph(path, signal)
  const opened = await placeModel(network, options)
  const { request, task } = network
  const explain = explainerFor(request)
  return {
    opened,
    request,
    async explain(call: Call) {
      const explained = await explainPhotograph({ ...network.photograph, picture }, opened.model, request, {
        ...call,
        explain,
      })
      const { attribution, warnings } = explained
      return {
        attribution,
        warnings,
        record: (device, recorded) => photographRecord(file, explained, device, recorded),
        text: (judgement) => photographText(path, explained, judgement),
        async write(folder, aborted) {
          const drawn = {
            pictures: shownOnPhotograph(explained),
            figures: shownOnPhotograph(explained, figureSide),
            nameOf: (label: number) => className(task, label),
            ...(saysValues(task) && { least: 0 }),
          }
          await writePictures(folder, drawn, aborted)
          await writeFileAtomically(join(folder, 'seen.png'), encodePng(explained.asked))
          await writeFileAtomically(
            join(folder, 'report.html'),
            await reportOf(file, explained, network, opened, aborted),
          )
        },
      }
    },
  }
}

/** The page that shows what was found. */
export async function reportOf(
  file: PhotographFile,
  explained: ExplainedPhotograph,
  { request, name }: PhotographNetwork,
  { model, device }: OpenModel,
  signal: AbortSignal,
): Promise<string> {
  const without = await withoutBest(explained, model, signal)
  return photographReport({ file, explained, request, network: name, device: device.info.kind, without })
}
