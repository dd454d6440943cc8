import type { Command } from 'commander'
import { Sequential } from '../../engine/facade/sequential.ts'
import { checkWritable } from '../../engine/platform/atomic-write.ts'
import type { EpochLog } from '../../engine/training/fit-options.ts'
import { adam } from '../../engine/training/optimizers.ts'
import { batchLine, epochLine } from '../../engine/training/progress-line.ts'
import { logEntry, trainingRecord } from '../batch/training-record.ts'
import { firstOf } from '../data/image-set.ts'
import { task } from '../tasks/chosen-task.ts'
import { samplesOf } from '../tasks/task.ts'
import { learningRate, tutorialArchitecture } from '../tutorial/network.ts'
import { loadSplit } from './data-set.ts'
import { withLockedFile } from './locked.ts'
import { addDeviceOptions, type DeviceOptions, integer, openDeviceFor, path } from './options.ts'
import { interruptSignal, note, result, updateLine } from './terminal.ts'

export interface TrainingRecipe extends DeviceOptions {
  readonly epochs: number
  readonly batchSize: number
  readonly seed: number
  /** Only the first so many training images. */
  readonly limit?: number
  /** Written after every epoch, so that a kill costs no more than one. */
  readonly save: string
}

export interface Training {
  readonly model: Sequential
  readonly log: readonly EpochLog[]
  readonly device: { readonly name: string; readonly adapter: string }
  readonly seconds: number
}

/** What people who interrupt a training want to know. */
export const savedStays = 'what was saved before stays'

/** Trains the tutorial's network on Fashion-MNIST; the test images are the validation data, as in the tutorial. */
export async function trainTutorialNetwork(recipe: TrainingRecipe, signal: AbortSignal): Promise<Training> {
  await checkWritable(recipe.save)
  return withLockedFile(recipe.save, () => trainAndSave(recipe, signal))
}

async function trainAndSave(recipe: TrainingRecipe, signal: AbortSignal): Promise<Training> {
  const { epochs, batchSize, seed, limit } = recipe
  const whole = await loadSplit('train', signal)
  const train = limit === undefined ? whole : firstOf(whole, limit)
  const test = await loadSplit('test', signal)
  const architecture = tutorialArchitecture(seed)
  const model = new Sequential(architecture, architecture.layers)
  const device = await openDeviceFor(recipe)
  const started = performance.now()
  const log: EpochLog[] = []
  try {
    const optimizer = adam({ learningRate })
    await model.compile({ device, optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
    note(model.summary())
    note(`${train.count} training images, ${test.count} test images; ${device.info.kind}: ${device.info.adapter}`)
    await model.fit(samplesOf(task, train.images), train.labels, {
      batchSize,
      epochs,
      validationData: [samplesOf(task, test.images), test.labels],
      signal,
      onBatchEnd: (batch) => updateLine(batchLine(batch)),
      onEpochEnd: async (epoch) => {
        log.push(epoch)
        note(`Epoch ${epoch.epoch}/${epochs}\n${epochLine(epoch)}`)
        const { convolution } = recipe
        const made = { images: train.count, batchSize, seed, learningRate, device: device.info, convolution, log }
        model.metadata = trainingRecord(made)
        await model.save(recipe.save)
      },
    })
  } finally {
    model.dispose()
    device.dispose()
  }
  const { kind, adapter } = device.info
  return { model, log, device: { name: kind, adapter }, seconds: (performance.now() - started) / 1000 }
}

interface TrainOptions extends TrainingRecipe {
  readonly json?: boolean
}

export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .description("train the tutorial's network on Fashion-MNIST")
    .option('--epochs <n>', 'times through the training images', integer(1), 10)
    .option('--batch-size <n>', 'images a step', integer(1), 256)
    .option('--seed <n>', 'decides the first weights and the order of the images', integer(0), 1)
    .option('--limit <n>', 'only the first so many training images', integer(1))
    .option('--json', 'print the log as JSON')
    .requiredOption('--save <file>', 'the model file to write, after every epoch; one process at a time', path)
  addDeviceOptions(command).action(async (options: TrainOptions) => {
    const { log, device, seconds } = await trainTutorialNetwork(options, interruptSignal(savedStays, options.device))
    const last = log[log.length - 1]
    if (options.json) result(JSON.stringify({ model: options.save, device, seconds, log: log.map(logEntry) }))
    else result(`Test accuracy ${last.valAccuracy?.toFixed(4)}; saved to ${options.save}`)
  })
}
