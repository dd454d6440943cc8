import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { checkWritable, writeFileAtomically } from '../../engine/atomic-write.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { type Explanation, type ImageInput, LimeImageExplainer, segmenterNamed } from '../../lime/index.ts'
import { classNames, imageExtent } from '../data/fashion-mnist.ts'
import { decodePng } from '../data/png.ts'
import { fourPanels } from '../pictures.ts'
import { imageAt, loadSplit } from './data-set.ts'
import { readInput } from './input-file.ts'
import { deviceOf, openModel } from './open-model.ts'
import { addDeviceOptions, type DeviceOptions, integer, integerList, number, path, text } from './options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'

interface ExplainCommandOptions extends DeviceOptions {
  readonly model: string
  readonly index?: number
  readonly image?: string
  readonly json?: boolean
  readonly masks?: boolean
  readonly out?: string
  readonly segmenter?: string
  readonly segmenterParam: readonly (readonly [string, string])[]
  readonly samples: number
  readonly randomState: number
  readonly randomSeed: number
  readonly hideColor?: number | readonly number[]
  readonly topLabels?: number
  readonly labels?: readonly number[]
  readonly numFeatures?: number
  readonly featureSelection: string
  readonly kernelWidth: number
  readonly distanceMetric: string
}

function collectParameter(text: string, before: readonly (readonly [string, string])[]) {
  const [name, value, ...rest] = text.split('=')
  if (!name || !value || rest.length > 0) throw new InvalidArgumentError('expected name=value')
  return [...before, [name, value] as const]
}

function colour(text: string): number | number[] {
  const values = text.split(',').map(number)
  return values.length === 1 ? values[0] : values
}

interface Subject {
  readonly input: ImageInput
  readonly index?: number
  readonly label?: number
}

/** The image to explain: one of the test set, or a PNG. */
async function subjectOf({ index, image }: ExplainCommandOptions, signal: AbortSignal): Promise<Subject> {
  if (index !== undefined) {
    const test = await loadSplit('test', signal)
    if (index >= test.count)
      throw new ArgumentError(`--index ${index}: the test set has the images 0 to ${test.count - 1}`)
    return {
      input: { data: imageAt(test, index), shape: [imageExtent, imageExtent] },
      index,
      label: test.labels[index],
    }
  }
  const { data, height, width, channels } = await readInput(image ?? '', decodePng)
  return { input: { data, shape: [height, width, channels] } }
}

/** What `--json` prints. */
function asJson(
  { index, label }: Subject,
  explanation: Explanation,
  device: { name: string; adapter: string },
  withMasks: boolean,
) {
  const { segments, masks, probabilities, labels } = explanation
  const [height, width] = segments.shape
  const classes = probabilities.shape[1]
  const first = Array.from(probabilities.data.subarray(0, classes))
  const rows = <T>(data: ArrayLike<T>, count: number, length: number): T[][] =>
    Array.from({ length: count }, (_, row) => Array.from({ length }, (_, i) => data[row * length + i]))
  return {
    index,
    label,
    predicted: first.indexOf(Math.max(...first)),
    probabilities: first,
    device,
    segments: { count: masks.shape[1], map: rows(segments.data, height, width) },
    ...(withMasks && { masks: rows(masks.data, ...masks.shape) }),
    explanation: Object.fromEntries(
      labels.map((explained) => [
        explained,
        {
          intercept: explanation.intercept[explained],
          score: explanation.score[explained],
          localPrediction: explanation.localPred[explained],
          weights: explanation.localExp[explained],
        },
      ]),
    ),
    warnings: explanation.warnings,
    timings: explanation.timings,
  }
}

function nameOf(label: number): string {
  return classNames[label] ?? `class ${label}`
}

/** What people read: the prediction, and for every label the segments that count. */
function asText({ index, label }: Subject, explanation: Explanation): string {
  const { probabilities, labels, masks } = explanation
  const first = Array.from(probabilities.data.subarray(0, probabilities.shape[1]))
  const predicted = first.indexOf(Math.max(...first))
  const truth = label === undefined ? '' : `, in truth ${nameOf(label)}`
  const lines = [
    `${index === undefined ? 'The image' : `Test image ${index}`}: ${nameOf(predicted)} (${first[predicted].toFixed(4)})${truth}; ${masks.shape[1]} segments, ${masks.shape[0]} samples`,
  ]
  for (const explained of labels) {
    lines.push(
      '',
      `${nameOf(explained)}: probability ${first[explained].toFixed(4)}, R² of the surrogate ${explanation.score[explained].toFixed(3)}`,
    )
    const weights = explanation.localExp[explained].slice(0, 10)
    const largest = Math.abs(weights[0]?.[1] ?? 0)
    for (const [segment, weight] of weights) {
      const sign = weight >= 0 ? '+' : '-'
      const bar = sign.repeat(Math.round((Math.abs(weight) / (largest || 1)) * 30))
      lines.push(
        `  segment ${String(segment).padStart(3)}  ${`${sign}${Math.abs(weight).toPrecision(3)}`.padEnd(12)} ${bar}`,
      )
    }
  }
  return lines.join('\n')
}

async function writePictures(folder: string, explanation: Explanation, json: unknown): Promise<void> {
  for (const label of explanation.labels)
    for (const evidence of ['positive', 'negative'] as const)
      await writeFileAtomically(
        join(folder, `label-${label}-${evidence}.png`),
        fourPanels(explanation, label, evidence),
      )
  await writeFileAtomically(join(folder, 'explanation.json'), `${JSON.stringify(json)}\n`)
}

async function explain(options: ExplainCommandOptions): Promise<void> {
  const signal = interruptSignal()
  if ((options.index === undefined) === (options.image === undefined))
    throw new ArgumentError('explain: give either --index N (a test image) or --image FILE.png')
  const parameters = Object.fromEntries(options.segmenterParam)
  if (options.segmenter === undefined && options.segmenterParam.length > 0)
    throw new ArgumentError('--segmenter-param needs --segmenter, whose parameter it is')
  const segmentationFn = options.segmenter !== undefined ? segmenterNamed(options.segmenter, parameters) : undefined
  const { kernelWidth, featureSelection, randomState } = options
  const explainer = new LimeImageExplainer({ kernelWidth, featureSelection, randomState })
  if (options.out !== undefined) await checkWritable(join(options.out, 'explanation.json'))
  const subject = await subjectOf(options, signal)
  const { model, device, dispose } = await openModel(options.model, options)
  const bar = progressBar('Explaining')
  try {
    const explanation = await explainer.explainInstance(subject.input, model, {
      segmentationFn,
      labels: options.labels,
      topLabels: options.labels ? null : (options.topLabels ?? 5),
      hideColor: options.hideColor ?? null,
      numFeatures: options.numFeatures,
      numSamples: options.samples,
      distanceMetric: options.distanceMetric,
      randomSeed: options.randomSeed,
      signal,
      onProgress: ({ phase, done, total }) => {
        if (phase === 'prediction') bar.update(done, total)
      },
    })
    bar.stop()
    for (const warning of explanation.warnings) note(`warning: ${warning}`)
    const json = asJson(subject, explanation, deviceOf(device), options.masks ?? false)
    // First what can't be lost any more: a disk may fill up while the pictures are written.
    result(options.json ? JSON.stringify(json) : asText(subject, explanation))
    if (options.out !== undefined) {
      await writePictures(options.out, explanation, json)
      note(`pictures and explanation.json are in ${options.out}`)
    }
  } finally {
    bar.stop()
    dispose()
  }
}

export function addExplainCommand(program: Command): void {
  const command = program
    .command('explain')
    .description('LIME: which segments of an image speak for and against a prediction')
    .requiredOption('--model <file>', 'a model file', path)
    .option('--index <n>', 'explain this test image', integer(0))
    .option('--image <file>', 'explain this PNG, of the size the model takes', path)
    .option('--json', 'print everything as JSON')
    .option('--masks', 'with --json: the sampled masks, too')
    .option('--out <folder>', 'write pictures and explanation.json there', path)
    .option(
      '--segmenter <name>',
      'quickshift, felzenszwalb or slic; by the size of the image unless given',
      text('a name'),
    )
    .addOption(
      new Option('--segmenter-param <name=value>', 'a parameter by its name in scikit-image; may be repeated')
        .argParser(collectParameter)
        .default([], 'none'),
    )
    .option('--samples <n>', 'how many perturbed images', integer(1), 1000)
    .option('--random-state <n>', 'seed of the samples', integer(0), 123)
    .option('--random-seed <n>', 'seed of the segmenter', integer(0), 123)
    .option('--hide-color <v>', 'what hidden segments show: a number or r,g,b; their mean colour unless given', colour)
    .option('--top-labels <n>', 'explain the so many most probable labels (5)', integer(1))
    .addOption(new Option('--labels <list>', 'explain these labels').argParser(integerList).conflicts('topLabels'))
    .option('--num-features <n>', 'segments the surrogate may use', integer(1))
    .addOption(
      new Option('--feature-selection <name>', 'auto, none, highest_weights, forward_selection or lasso_path')
        .argParser(text('a name'))
        .default('auto'),
    )
    .option('--kernel-width <w>', 'of the exponential kernel on distances', number, 0.25)
    .option('--distance-metric <name>', 'between masks', text('a name'), 'cosine')
  addDeviceOptions(command).action(explain)
}
