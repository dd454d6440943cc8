import type { Device } from '../../engine/device.ts'
import { openDevice } from '../../engine/open-device.ts'
import { explainerFor } from '../../lime/index.ts'
import { predictedAndTrue } from '../batch/labels-that-count.ts'
import { explainingPicture, readingPicture, UnexplainedPicture } from '../batch/unexplained-picture.ts'
import { type ImageSet, pixelsOf } from '../data/image-set.ts'
import { explainPhotograph, type Photograph } from '../photographs/explain-photograph.ts'
import { decodePicture } from '../pictures/decode-picture.ts'
import { saysValues } from '../tasks/answers.ts'
import { task as testTask } from '../tasks/chosen-task.ts'
import { loadFashionMnist } from '../tasks/fashion-mnist/store.ts'
import type { PictureTask } from '../tasks/picture-task.ts'
import { className } from '../tasks/picture-task.ts'
import { pictureOf } from '../tasks/task.ts'
import { StoreError, UnusableRunError } from './errors.ts'
import { errorRow, explainedRows, type RowOrigin } from './explained-rows.ts'
import { requestForImage } from './image-seeds.ts'
import { type ImageSource, openImageSource } from './image-source.ts'
import type { ObjectCache } from './object-cache.ts'
import type { PlannedRun, RunImage } from './planned-run.ts'
import type { ResultRow } from './result-row.ts'
import { knowsTestLabels, missingLabel, type RunNetwork, readRunNetwork } from './run-network.ts'

/** What explains the images of a run: its network on a device, and where its images are read from. */
export interface ImageExplainer {
  /**
   * An image's rows: what was found about it, or why nothing could be.
   * @throws ImageReadError where it can't be read, StoreError where none can be; signal.reason after an abort
   */
  explain(image: RunImage, signal: AbortSignal | undefined): Promise<ResultRow[]>
  close(): void
}

interface OpenOptions {
  /** The run's name. */
  readonly hash: string
  readonly cache: ObjectCache
  readonly threads?: number
}

/** @throws LimelightError where the model can't be had or is another, DeviceError; StoreError; UnusableRunError */
export async function openImageExplainer(
  run: PlannedRun,
  { hash, cache, threads }: OpenOptions,
): Promise<ImageExplainer> {
  const isOfTestSet = run.images.kind === 'test-set'
  const network = await readRunNetwork({ model: run.model, isOfTestSet }, cache)
  const missing = missingLabel(run.request, network)
  // Here, where it is said once: each image would say it of itself.
  if (missing !== null) throw new UnusableRunError(`${missing}: plan it with other labels, in another output`)
  const { arithmetic, convolution, halfPrecision, name } = run.device
  const device = await openDevice(name, { threads, relaxed: arithmetic === 'relaxed', convolution, halfPrecision })
  const close = () => {
    network.model.dispose()
    device.dispose()
  }
  try {
    await network.model.compile({ device })
    const subjects =
      run.images.kind === 'test-set'
        ? testSubjects(await loadFashionMnist('test'), network)
        : fileSubjects(await openImageSource(run.images.root, hash, cache), run, network)
    return { explain: explainerOf(run, hash, device, network, subjects), close }
  } catch (error) {
    close()
    throw error
  }
}

/** An image, and how it is asked about. */
interface Subjects {
  /** Its true class; null where nobody knows. */
  labelOf(image: RunImage): { readonly label?: string; readonly index: number | null }
  /** @throws UnexplainedPicture for what is wrong with the picture */
  attribution(image: RunImage, asked: Asked): ReturnType<typeof explainTestImage>
}

interface Asked {
  readonly request: RowOrigin['request']
  readonly labels: ReturnType<typeof predictedAndTrue> | undefined
  readonly signal: AbortSignal | undefined
}

function explainerOf(
  run: PlannedRun,
  hash: string,
  device: Device,
  network: RunNetwork,
  subjects: Subjects,
): ImageExplainer['explain'] {
  const { classNames, task } = network
  const nameOf = (label: number) => (task ? className(task, label) : (classNames?.[label] ?? `class ${label}`))
  return async (image, signal) => {
    signal?.throwIfAborted()
    const started = performance.now()
    const request = requestForImage(run.request, image.id)
    const { label, index } = subjects.labelOf(image)
    const originNow = (): RowOrigin => ({
      run: hash,
      image: label === undefined ? image : { ...image, label },
      request,
      labelIndex: index,
      nameOf,
      seconds: (performance.now() - started) / 1000,
      device: device.info.kind,
      program: run.program,
    })
    const labels = run.labels === 'asked' ? undefined : predictedAndTrue(index ?? undefined)
    try {
      const { attribution, warnings } = await subjects.attribution(image, { request, labels, signal })
      return explainedRows(originNow(), attribution, warnings)
    } catch (error) {
      if (error instanceof UnexplainedPicture) return [errorRow(originNow(), error.message)]
      throw error
    }
  }
}

function testSubjects(set: ImageSet, network: RunNetwork): Subjects {
  const isKnown = knowsTestLabels(network)
  return {
    labelOf: ({ index = 0 }) => ({
      label: testTask.classNames[set.labels[index]],
      index: isKnown ? set.labels[index] : null,
    }),
    attribution: ({ index = 0 }, asked) => explainTestImage(pixelsOf(set, index), network, asked),
  }
}

async function explainTestImage(pixels: Uint8Array, { model }: RunNetwork, { request, labels, signal }: Asked) {
  const call = { signal, keepSamples: false, ...(labels && { labels }) }
  const attribution = await explainerFor(request)(pictureOf(testTask, pixels), model, call)
  return { attribution, warnings: attribution.warnings }
}

function fileSubjects(source: ImageSource, run: PlannedRun, network: RunNetwork): Subjects {
  const { task } = network
  if (!task) throw new StoreError('a run of files has a network of photographs')
  return {
    labelOf: ({ label }) => ({ index: label === undefined ? null : classNumbered(label, network) }),
    async attribution(image, asked) {
      const bytes = await source.read({ path: image.path ?? image.id, size: image.size })
      return explainPicture(bytes, task, run, network, asked)
    },
  }
}

async function explainPicture(
  bytes: Uint8Array,
  task: PictureTask,
  { model: { fit = 'squash', segmentIn = 'network' } }: PlannedRun,
  { model }: RunNetwork,
  { request, labels, signal }: Asked,
) {
  const picture = await readingPicture(decodePicture(bytes, { signal }))
  const photograph: Photograph = { picture, task, fit, segmentedIn: segmentIn }
  // Values have no order, of which one could be predicted.
  const call = { signal, keepSamples: false, ...(labels && !saysValues(task) && { labels }) }
  return explainingPicture(explainPhotograph(photograph, model, request, call))
}

/** The class that a list's label means: its number or its name, in any case; null where it is neither. */
function classNumbered(label: string, { classNames, classCount }: RunNetwork): number | null {
  const wanted = label.trim().toLowerCase()
  const named = classNames?.findIndex((name) => name.toLowerCase() === wanted) ?? -1
  if (named >= 0) return named
  return /^\d+$/.test(wanted) && Number(wanted) < (classCount ?? 0) ? Number(wanted) : null
}
