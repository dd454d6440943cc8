import type { Command } from 'commander'
import { ArgumentError, FormatError, LimelightError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import { formatSafetensors, parseSafetensors } from '../../engine/formats/safetensors.ts'
import type { Samples } from '../../engine/model/samples.ts'
import { checkWritable, writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { formatShape } from '../../engine/tensor.ts'
import { decodePng } from '../data/png.ts'
import { centreCrop, resizedPicture, withChannels } from '../data/resized-picture.ts'
import { className, type PictureTask, pictureModel } from '../tasks/picture-task.ts'
import { checkNotItsInput, readInput } from './input-file.ts'
import { deviceOf, readModelFile } from './open-model.ts'
import { addDeviceOptions, type DeviceOptions, integer, openDeviceFor, path } from './options.ts'
import { addPictureOptions, type PictureCommandOptions, pictureTaskFor } from './picture-options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'

interface PredictOptions extends DeviceOptions, PictureCommandOptions {
  readonly model: string
  readonly image?: readonly string[]
  readonly top: number
  readonly crop?: boolean
  readonly input?: string
  readonly out?: string
  readonly json?: boolean
}

export function addPredictCommand(program: Command): void {
  const command = program
    .command('predict')
    .description('what a model says of pictures, or makes of a tensor')
    .requiredOption('--model <file>', 'a model file of any format, or a name that `limelight models` lists', path)
    .option('--image <file...>', 'pictures (PNG), of any size')
    .option('--crop', "take a picture's middle in the network's proportions; it is squashed to them unless given")
    .option('--top <n>', 'how many classes to name', integer(1), 5)
    .option(
      '--input <file>',
      "instead of pictures: safetensors with the tensor input, [N, …] in the file's own order",
      path,
    )
    .option('--out <file>', 'with --input: the safetensors file to write, with the tensor output', path)
  addPictureOptions(addDeviceOptions(command))
    .option('--json', 'print all numbers as JSON')
    .action(async (options: PredictOptions) => {
      const { image, input, out } = options
      if ((image === undefined) === (input === undefined) || (input === undefined) !== (out === undefined))
        throw new ArgumentError('predict: give either --image FILE… or --input FILE with --out FILE')
      const signal = interruptSignal(undefined, options.device)
      if (input !== undefined && out !== undefined) await predictTensor(input, out, options, signal)
      else await predictPictures(image ?? [], options, signal)
    })
}

async function predictTensor(input: string, out: string, options: PredictOptions, signal: AbortSignal): Promise<void> {
  for (const read of [options.model, input]) await checkNotItsInput(out, read)
  await checkWritable(out)
  const { model } = await readModelFile(options.model, { inputShape: options.inputShape, signal })
  const samples = await readInput(input, (bytes) => {
    const tensor = parseSafetensors(bytes).tensors.get('input')
    if (!tensor) throw new FormatError('it holds no tensor named input')
    return { data: Float32Array.from(tensor.data), shape: tensor.shape }
  })
  const { predictions, device } = await predictOn(model, samples, options, signal)
  const output = { shape: [samples.shape[0], ...model.outputShape], data: predictions.data }
  await writeFileAtomically(out, formatSafetensors(new Map([['output', output]])))
  if (options.json) result(JSON.stringify({ model: options.model, device, input, out, shape: output.shape }))
  else note(`Wrote output ${formatShape(output.shape)} to ${out}`)
}

async function predictPictures(files: readonly string[], options: PredictOptions, signal: AbortSignal): Promise<void> {
  const { model, path: found } = await readModelFile(options.model, { inputShape: options.inputShape, signal })
  const task = await pictureTaskFor(model, found, options)
  const [height, width, channels] = task.pictureShape
  const pictures = pictureModel(model, task)
  const size = height * width * channels
  const data = new Float32Array(files.length * size)
  for (const [i, file] of files.entries()) {
    signal.throwIfAborted()
    const picture = await readInput(file, decodePng)
    const part = options.crop ? centreCrop(picture, height, width) : picture
    data.set(resizedPicture(withChannels(part, channels), height, width).data, i * size)
  }
  const samples = { data, shape: [files.length, height, width, channels] }
  const { predictions, device } = await predictOn(pictures, samples, options, signal)
  if (!predictions.data.every(Number.isFinite))
    throw new LimelightError(
      `${options.model}: it answers with numbers that are not finite: give --scale, --mean and --std as it was trained with`,
    )
  const classes = predictions.shape[1]
  const answers = files.map((file, i) => {
    const numbers = Array.from(predictions.data.subarray(i * classes, (i + 1) * classes))
    return { file, best: bestOf(numbers, options.top, task), probabilities: numbers }
  })
  if (options.json) result(JSON.stringify({ model: options.model, device, task, pictures: answers }))
  else result(answers.map(asText).join('\n'))
}

/** The most probable classes. */
function bestOf(numbers: readonly number[], top: number, task: PictureTask) {
  const labels = numbers.map((_, label) => label).sort((a, b) => numbers[b] - numbers[a] || a - b)
  return labels.slice(0, top).map((label) => ({ label, name: className(task, label), probability: numbers[label] }))
}

function asText({ file, best }: { readonly file: string; readonly best: ReturnType<typeof bestOf> }): string {
  const lines = best.map(({ name, probability }) => `  ${probability.toFixed(4)}  ${name}`)
  return [file, ...lines].join('\n')
}

async function predictOn(model: Model, samples: Samples, options: DeviceOptions, signal: AbortSignal) {
  const device = await openDeviceFor(options)
  const bar = progressBar('Predicting')
  try {
    await model.compile({ device })
    const predictions = await model.predict(samples, { signal, onProgress: bar.update })
    return { predictions, device: deviceOf(device) }
  } finally {
    bar.stop()
    model.dispose()
    device.dispose()
  }
}
