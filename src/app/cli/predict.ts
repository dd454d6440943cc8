import type { Command } from 'commander'
import { ArgumentError, FormatError, LimelightError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import { formatSafetensors, parseSafetensors } from '../../engine/formats/safetensors.ts'
import type { Samples } from '../../engine/model/samples.ts'
import { checkWritable, writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import { formatShape } from '../../engine/tensor.ts'
import { checkNotItsInput, readInput } from '../inputs/input-file.ts'
import { askedPicture } from '../photographs/framing.ts'
import { decodePicture } from '../pictures/decode-picture.ts'
import { answerInWords, answerRecord, saysValues, topAnswers } from '../tasks/answers.ts'
import { type PictureTask, pictureModel } from '../tasks/picture-task.ts'
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
    .option('--image <file...>', 'pictures (JPEG, PNG, WebP, GIF, BMP), of any size')
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
  await checkWritable(out)
  const { model, files } = await readModelFile(options.model, { inputShape: options.inputShape })
  await checkNotItsInput(out, [...files, input])
  const samples = await readInput(input, (bytes) => {
    const tensor = parseSafetensors(bytes).tensors.get('input')
    if (!tensor) throw new FormatError('it holds no tensor named input')
    return { data: Float32Array.from(tensor.data), shape: tensor.shape }
  })
  const { made: predictions, device } = await onDevice(model, options, (placed, bar) =>
    placed.predict(samples, { signal, onProgress: bar.update }),
  )
  const output = { shape: [samples.shape[0], ...model.outputShape], data: predictions.data }
  await writeFileAtomically(out, formatSafetensors(new Map([['output', output]])))
  if (options.json) result(JSON.stringify({ model: options.model, device, input, out, shape: output.shape }))
  else note(`Wrote output ${formatShape(output.shape)} to ${out}`)
}

/** Pictures that are asked about together: however many there are, they take no more memory, and Ctrl-C is heard in between. */
const picturesAtOnce = 16

async function predictPictures(files: readonly string[], options: PredictOptions, signal: AbortSignal): Promise<void> {
  const { model, path: found } = await readModelFile(options.model, { inputShape: options.inputShape })
  const task = await pictureTaskFor(model, found, options)
  const { made: answers, device } = await onDevice(pictureModel(model, task), options, async (placed, bar) => {
    const all: Answer[] = []
    while (all.length < files.length) {
      const some = files.slice(all.length, all.length + picturesAtOnce)
      const { data, shape } = await placed.predict(await samplesOf(some, task, options, signal), { signal })
      if (!data.every(Number.isFinite))
        throw new LimelightError(
          `${options.model}: it answers with numbers that are not finite: give --scale, --mean and --std as it was trained with`,
        )
      all.push(...some.map((file, i) => answerOf(file, data.subarray(i * shape[1], (i + 1) * shape[1]), task, options)))
      bar.update(all.length, files.length)
    }
    return all
  })
  if (options.json)
    result(JSON.stringify({ model: options.model, device, task, pictures: answers.map(({ record }) => record) }))
  else result(answers.map(({ text }) => text).join('\n'))
}

async function samplesOf(
  files: readonly string[],
  task: PictureTask,
  { crop }: PredictOptions,
  signal: AbortSignal,
): Promise<Samples> {
  const [height, width, channels] = task.pictureShape
  const size = height * width * channels
  const data = new Float32Array(files.length * size)
  for (const [i, file] of files.entries()) {
    signal.throwIfAborted()
    const picture = await readInput(file, (bytes) => decodePicture(bytes, { signal }))
    data.set(askedPicture(picture, task, crop ? 'crop' : 'squash').data, i * size)
  }
  return { data, shape: [files.length, height, width, channels] }
}

type Answer = ReturnType<typeof answerOf>

function answerOf(file: string, given: Float32Array, task: PictureTask, { top }: PredictOptions) {
  const numbers = Array.from(given)
  const best = topAnswers(numbers, top, task)
  const text = best.map(({ name, number }) => `  ${answerInWords(number, task)}  ${name}`)
  const record = {
    file,
    best: best.map((answer) => answerRecord(answer, task)),
    ...(saysValues(task) ? { values: numbers } : { probabilities: numbers }),
  }
  return { record, text: [file, ...text].join('\n') }
}

/** What work makes with a model on a device; both are put away after it. */
async function onDevice<T>(
  model: Model,
  options: DeviceOptions,
  work: (model: Model, bar: ReturnType<typeof progressBar>) => Promise<T>,
) {
  const device = await openDeviceFor(options)
  const bar = progressBar('Predicting')
  try {
    await model.compile({ device })
    return { made: await work(model, bar), device: deviceOf(device) }
  } finally {
    bar.stop()
    model.dispose()
    device.dispose()
  }
}
