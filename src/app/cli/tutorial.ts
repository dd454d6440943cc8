import { basename, join } from 'node:path'
import { type Command, Option } from 'commander'
import { checkWritable } from '../../engine/platform/atomic-write.ts'
import type { EpochEntry } from '../tutorial/curves.ts'
import { walkThrough } from '../tutorial/walkthrough.ts'
import { loadSplit } from './data-set.ts'
import { inLockedFolder } from './locked.ts'
import { openModel } from './open-model.ts'
import { addDeviceOptions, type DeviceOptions, integer, path } from './options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'
import { savedStays, trainNetwork } from './train.ts'

interface TutorialOptions extends DeviceOptions {
  readonly model?: string
  readonly epochs: number
  readonly seed: number
  readonly limit?: number
  readonly out: string
}

/** The log that training left in a model file; none if it left none that can be read. */
function logOf(metadata: Readonly<Record<string, string>>): EpochEntry[] {
  try {
    const log: unknown = JSON.parse(metadata.log ?? '[]')
    return Array.isArray(log)
      ? log.filter((entry): entry is EpochEntry => typeof entry?.loss === 'number' && typeof entry.epoch === 'number')
      : []
  } catch {
    return []
  }
}

async function tutorial(options: TutorialOptions): Promise<void> {
  const signal = interruptSignal(savedStays, options.device)
  await checkWritable(join(options.out, 'report.html'))
  await inLockedFolder(options.out, () => trainAndShow(options, signal))
}

async function trainAndShow(options: TutorialOptions, signal: AbortSignal): Promise<void> {
  const modelFile = options.model ?? join(options.out, 'model.safetensors')
  if (options.model === undefined) {
    await trainNetwork({ ...options, network: 'tutorial', save: modelFile }, signal)
  }
  const test = await loadSplit('test', signal)
  const { model, device, dispose } = await openModel(modelFile, options)
  let bar: { label: string; shown: ReturnType<typeof progressBar> } | null = null
  const stopBar = () => {
    bar?.shown.stop()
    bar = null
  }
  try {
    const log = logOf(model.metadata)
    const origin =
      options.model !== undefined
        ? `The model is ${basename(modelFile)}${log.length > 0 ? `, trained for ${log.length} epochs` : ''}.`
        : `Trained here for ${options.epochs} epochs, seed ${options.seed}, on the device "${device.info.kind}".`
    const written = await walkThrough({
      model,
      device,
      test,
      origin,
      log,
      out: options.out,
      signal,
      reporter: {
        note(text) {
          stopBar()
          note(text)
        },
        progress(label, done, total) {
          if (bar?.label !== label) stopBar()
          bar ??= { label, shown: progressBar(label) }
          bar.shown.update(done, total)
        },
      },
    })
    stopBar()
    result(written.join('\n'))
  } finally {
    stopBar()
    dispose()
  }
}

export function addTutorialCommand(program: Command): void {
  const command = program
    .command('tutorial')
    .description('everything the tutorial shows: train, evaluate, explain; pictures, report.html, results.json')
    .option('--model <file>', 'a trained model, instead of training one', path)
    .addOption(
      new Option('--epochs <n>', 'train for so many epochs').argParser(integer(1)).default(10).conflicts('model'),
    )
    .addOption(new Option('--seed <n>', 'seed of the training').argParser(integer(0)).default(1).conflicts('model'))
    .addOption(
      new Option('--limit <n>', 'train on the first so many images only').argParser(integer(1)).conflicts('model'),
    )
    .requiredOption('--out <folder>', 'where the pictures and the report go', path)
  addDeviceOptions(command).action(tutorial)
}
