import { type Command, Option } from 'commander'
import type { Model } from '../../engine/facade/model.ts'
import { checkWritable } from '../../engine/platform/atomic-write.ts'
import type { EpochLog } from '../../engine/training/fit-options.ts'
import { batchLine, epochLine } from '../../engine/training/progress-line.ts'
import { logEntry, trainingRecord } from '../batch/training-record.ts'
import { firstOf } from '../data/image-set.ts'
import { type NetworkName, type Recipe, recipes } from '../networks/recipes.ts'
import { task } from '../tasks/chosen-task.ts'
import { samplesOf } from '../tasks/task.ts'
import { loadSplit } from './data-set.ts'
import { withLockedFile } from './locked.ts'
import { addDeviceOptions, type DeviceOptions, integer, openDeviceFor, path } from './options.ts'
import { interruptSignal, note, result, updateLine } from './terminal.ts'

export interface TrainingOptions extends DeviceOptions {
  readonly network: NetworkName
  /** The network's own unless given. */
  readonly epochs?: number
  readonly batchSize?: number
  readonly seed: number
  /** Only the first so many training images. */
  readonly limit?: number
  /** Written after every epoch, so that a kill costs no more than one. */
  readonly save: string
}

export interface Training {
  readonly model: Model
  readonly log: readonly EpochLog[]
  readonly device: { readonly name: string; readonly adapter: string }
  readonly seconds: number
}

/** What people who interrupt a training want to know. */
export const savedStays = 'what was saved before stays'

/** Trains a network on Fashion-MNIST; the test images are the validation data, as in the tutorial. */
export async function trainNetwork(options: TrainingOptions, signal: AbortSignal): Promise<Training> {
  await checkWritable(options.save)
  return withLockedFile(options.save, () => trainAndSave(options, signal))
}

async function trainAndSave(options: TrainingOptions, signal: AbortSignal): Promise<Training> {
  const recipe: Recipe = recipes[options.network]
  const { seed, limit, epochs = recipe.epochs, batchSize = recipe.batchSize } = options
  const whole = await loadSplit('train', signal)
  const train = limit === undefined ? whole : firstOf(whole, limit)
  const test = await loadSplit('test', signal)
  const model = recipe.network(seed)
  const device = await openDeviceFor(options)
  const started = performance.now()
  const log: EpochLog[] = []
  try {
    const optimizer = recipe.optimizer(Math.ceil(train.count / batchSize), epochs)
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
        const { convolution } = options
        const { settings } = optimizer
        const made = {
          images: train.count,
          batchSize,
          optimizer: settings,
          seed,
          device: device.info,
          convolution,
          log,
        }
        model.metadata = trainingRecord(made)
        await model.save(options.save)
      },
    })
  } finally {
    model.dispose()
    device.dispose()
  }
  const { kind, adapter } = device.info
  return { model, log, device: { name: kind, adapter }, seconds: (performance.now() - started) / 1000 }
}

interface TrainOptions extends TrainingOptions {
  readonly json?: boolean
}

/** What each network has of its own. */
function inWords(field: 'what' | 'epochs' | 'batchSize'): string {
  return Object.entries(recipes)
    .map(([name, recipe]) => (field === 'what' ? `${name}, ${recipe.what}` : `${recipe[field]} for ${name}`))
    .join('; ')
}

export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('train a network on Fashion-MNIST')
    .addOption(
      new Option('--network <name>', `which: ${inWords('what')}`)
        .choices(Object.keys(recipes))
        .default('tutorial' satisfies NetworkName),
    )
    .option('--epochs <n>', `times through the training images (default: ${inWords('epochs')})`, integer(1))
    .option('--batch-size <n>', `images a step (default: ${inWords('batchSize')})`, integer(1))
    .option('--seed <n>', 'decides the first weights and the order of the images', integer(0), 1)
    .option('--limit <n>', 'only the first so many training images', integer(1))
    .option('--json', 'print the log as JSON')
    .requiredOption('--save <file>', 'the model file to write, after every epoch; one process at a time', path)
  addDeviceOptions(command).action(async (options: TrainOptions) => {
    const { log, device, seconds } = await trainNetwork(options, interruptSignal(savedStays, options.device))
    const last = log[log.length - 1]
    if (options.json) result(JSON.stringify({ model: options.save, device, seconds, log: log.map(logEntry) }))
    else result(`Test accuracy ${last.valAccuracy?.toFixed(4)}; saved to ${options.save}`)
  })
}
