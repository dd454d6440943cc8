import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ArgumentError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import { checkWritable, writeFileAtomically } from '../../engine/platform/atomic-write.ts'
import {
  type Attribution,
  type CallOptions,
  type ExplanationRequest,
  explainerFor,
  explanationRequest,
  type Faithfulness,
  faithfulnessOf,
  type HideColor,
  type ImageInput,
  methodNames,
  segmenterNames,
  stabilityOfRuns,
} from '../../lime/index.ts'
import { boundariesPng, fourPanels, weightsPng, weightsSvg } from '../batch/explanation-pictures.ts'
import { explanationRecord, type ImageSource, type Judgement } from '../batch/explanation-record.ts'
import { pixelsOf } from '../data/image-set.ts'
import { decodePng } from '../data/png.ts'
import { task } from '../tasks/chosen-task.ts'
import { classNamesOf, pictureOf } from '../tasks/task.ts'
import { loadSplit } from './data-set.ts'
import { explainMany } from './explain-many.ts'
import { asText } from './explanation-output.ts'
import { readInput } from './input-file.ts'
import { inLockedFolder } from './locked.ts'
import { deviceOf, openModel } from './open-model.ts'
import {
  addDeviceOptions,
  type DeviceOptions,
  integer,
  integerList,
  number,
  path,
  pixelValue,
  text,
} from './options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'

export interface ExplainCommandOptions extends DeviceOptions {
  readonly model: string
  readonly index?: number
  readonly image?: string
  readonly json?: boolean
  readonly masks?: boolean
  readonly out?: string
  readonly method: string
  readonly segmenter?: string
  readonly segmenterParam: readonly (readonly [string, string])[]
  readonly samples: number | 'exact' | 'auto'
  readonly of?: 'probability' | 'logit'
  readonly alpha?: number
  readonly factored: boolean
  readonly stability?: number
  readonly faithfulness?: boolean
  readonly indices?: readonly [number, number]
  readonly randomState: number
  readonly randomSeed: number
  readonly hideColor?: HideColor
  readonly topLabels?: number
  readonly labels?: readonly number[]
  readonly numFeatures?: number
  readonly featureSelection?: string
  readonly kernelWidth?: number
  readonly distanceMetric?: string
}

function collectParameter(text: string, before: readonly (readonly [string, string])[]) {
  const [name, value, ...rest] = text.split('=')
  if (!name || !value || rest.length > 0) throw new InvalidArgumentError('expected name=value')
  return [...before, [name, value] as const]
}

/** A parser's refusal, in the words of an option that takes more than it knows. */
function expecting<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    throw new InvalidArgumentError(`expected ${what}`)
  }
}

function samplesOption(text: string): number | 'exact' | 'auto' {
  if (text === 'exact' || text === 'auto') return text
  return expecting("a whole number of at least 1, 'exact' or 'auto'", () => integer(1)(text))
}

function indexRange(text: string): readonly [number, number] {
  const [first, end, ...rest] = text.split(':').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (rest.length > 0 || !Number.isInteger(first) || !Number.isInteger(end) || first < 0 || end <= first)
    throw new InvalidArgumentError('expected first:end, as in 0:10000')
  return [first, end]
}

function colour(text: string): HideColor {
  if (text === 'mean' || text === 'blur') return text
  const values = expecting("a number, r,g,b, 'mean' or 'blur'", () => text.split(',').map(pixelValue))
  return values.length === 1 ? values[0] : values
}

interface GivenImage extends ImageSource {
  readonly input: ImageInput
}

/** The image to explain: one of the test set, or a PNG. */
async function givenImage({ index, image }: ExplainCommandOptions, signal: AbortSignal): Promise<GivenImage> {
  if (index !== undefined) {
    const test = await loadSplit('test', signal)
    if (index >= test.count)
      throw new ArgumentError(`--index ${index}: the test set has the images 0 to ${test.count - 1}`)
    return { input: pictureOf(task, pixelsOf(test, index)), index, label: test.labels[index] }
  }
  const { data, height, width, channels } = await readInput(image ?? '', decodePng)
  return { input: { data, shape: [height, width, channels] } }
}

async function writePictures(
  folder: string,
  attribution: Attribution,
  names: readonly string[],
  json: unknown,
  signal: AbortSignal,
): Promise<void> {
  const write = (name: string, data: string | Uint8Array) => {
    signal.throwIfAborted()
    return writeFileAtomically(join(folder, name), data)
  }
  for (const label of attribution.labels) {
    for (const evidence of ['positive', 'negative'] as const)
      await write(`label-${label}-${evidence}.png`, fourPanels(attribution, label, evidence))
    for (const picture of ['heatmap', 'overlay'] as const) {
      await write(`label-${label}-${picture}.png`, weightsPng(attribution, label, picture))
      const title = `What speaks for and against ${names[label]}`
      await write(`label-${label}-${picture}.svg`, weightsSvg(attribution, label, picture, title))
    }
  }
  await write('boundaries.png', boundariesPng(attribution))
  await write('explanation.json', `${JSON.stringify(json)}\n`)
}

/** What the options ask for. @throws ArgumentError for what no image can make right */
export function requestOf(options: ExplainCommandOptions): ExplanationRequest {
  const { method, segmenter, segmenterParam, labels, topLabels, hideColor, samples, alpha, numFeatures } = options
  if (segmenter === undefined && segmenterParam.length > 0)
    throw new ArgumentError('--segmenter-param needs --segmenter, whose parameter it is')
  const { randomState, randomSeed, factored, of, featureSelection, kernelWidth, distanceMetric } = options
  return explanationRequest({
    version: 1,
    method,
    segmenter: segmenter === undefined ? null : { name: segmenter, parameters: Object.fromEntries(segmenterParam) },
    labels,
    topLabels,
    hideColor: hideColor ?? null,
    randomState,
    randomSeed,
    factored,
    samples,
    of,
    alpha,
    numFeatures,
    featureSelection,
    kernelWidth,
    distanceMetric,
  })
}

async function explain(options: ExplainCommandOptions): Promise<void> {
  const { index, image, indices, out } = options
  if ([index, image, indices].filter((given) => given !== undefined).length !== 1)
    throw new ArgumentError(
      'explain: give one of --index N (a test image), --image FILE.png and --indices FIRST:END (many test images)',
    )
  if (options.masks && !options.json && out === undefined)
    throw new ArgumentError('--masks needs --json, which prints them, or --out')
  const request = requestOf(options)
  if (options.masks && request.method !== 'lime')
    throw new ArgumentError('--masks: only the method lime keeps the masks of its samples')
  if (indices) {
    if (out === undefined) throw new ArgumentError('--indices needs --out, the folder that the explanations go to')
    if (options.stability !== undefined || options.faithfulness || options.masks)
      throw new ArgumentError('--stability, --faithfulness and --masks are for one image, not for --indices')
    await explainMany(request, indices, out, options)
    return
  }
  const signal = interruptSignal(undefined, options.device)
  const explained = () => explainOne(request, options, signal)
  if (out === undefined) return explained()
  await checkWritable(join(out, 'explanation.json'))
  await inLockedFolder(out, explained)
}

async function explainOne(
  request: ExplanationRequest,
  options: ExplainCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const { out } = options
  const given = await givenImage(options, signal)
  const { model, device, dispose } = await openModel(options.model, options)
  const bar = progressBar('Explaining')
  const watched: CallOptions = {
    signal,
    onProgress: ({ phase, done, total }) => {
      if (phase === 'prediction') bar.update(done, total)
    },
  }
  try {
    const explainImage = explainerFor(request)
    const attribution = await explainImage(given.input, model, watched)
    const again = () => explainImage(given.input, model, { ...watched, labels: attribution.labels })
    const judgement = await judge(attribution, again, model, signal, options)
    bar.stop()
    for (const warning of attribution.warnings) note(`warning: ${warning}`)
    const recorded = { withMasks: options.masks, request, ...judgement }
    const json = explanationRecord(given, attribution, deviceOf(device), recorded)
    const names = classNamesOf(task, model)
    // First what can't be lost any more: a disk may fill up while the pictures are written.
    result(options.json ? JSON.stringify(json) : asText(given, attribution, names, judgement))
    if (out !== undefined) {
      await writePictures(out, attribution, names, json, signal)
      note(`pictures and explanation.json are in ${out}`)
    }
  } finally {
    bar.stop()
    dispose()
  }
}

/** How far to trust an explanation, and how true it is, if that was asked for. */
async function judge(
  attribution: Attribution,
  again: () => Promise<Attribution>,
  model: Model,
  signal: AbortSignal,
  { stability: runs, faithfulness, factored }: ExplainCommandOptions,
): Promise<Judgement> {
  const judgement: { -readonly [K in keyof Judgement]: Judgement[K] } = {}
  if (runs !== undefined) judgement.stability = await stabilityOfRuns(again, { runs })
  if (faithfulness) {
    const found = new Map<number, Faithfulness>()
    for (const label of attribution.labels)
      found.set(label, await faithfulnessOf(attribution, model, { label, signal, factored }))
    judgement.faithfulness = found
  }
  return judgement
}

export function addExplainCommand(program: Command): void {
  const command = program
    .command('explain')
    .description('which segments of an image speak for and against a prediction, by LIME or by Shapley values')
    .requiredOption('--model <file>', 'a model file', path)
    .option('--index <n>', 'explain this test image', integer(0))
    .option('--image <file>', 'explain this PNG, of the size the model takes', path)
    .addOption(
      new Option(
        '--indices <first:end>',
        'explain these test images, one JSON line each; goes on where it stopped, with the same options',
      ).argParser(indexRange),
    )
    .option('--json', 'print everything as JSON')
    .option('--masks', 'with --json or --out: the sampled masks, too')
    .option('--out <folder>', 'write pictures and explanation.json there; one process at a time', path)
    .addOption(
      new Option('--method <name>', 'how: by a linear model of what hidden segments change, or by Shapley values')
        .choices([...methodNames])
        .default('lime'),
    )
    .option('--segmenter <name>', `${segmenterNames.join(', ')}; by the size of the image unless given`, text('a name'))
    .addOption(
      new Option('--segmenter-param <name=value>', 'a parameter by its name in scikit-image; may be repeated')
        .argParser(collectParameter)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--samples <n>',
        'how many perturbed images; exact: all there are, auto: until the order of the top features is settled',
      )
        .argParser(samplesOption)
        .default(1000),
    )
    .addOption(
      new Option(
        '--of <what>',
        'with --method shapley: what is shared out among the segments; logits are exact without samples (probability)',
      ).choices(['probability', 'logit']),
    )
    .option(
      '--alpha <a>',
      "with --method lime: the ridge's penalty: 1 as in Python, 0 the limit of endless samples; 0 for exact and auto, else 1, unless given",
      number,
    )
    .option('--no-factored', 'compute every sample by itself, not once what samples have in common')
    .option('--stability <runs>', 'explain so many times, and say how much the explanations differ', integer(2))
    .option(
      '--faithfulness',
      'hide and show segments in the order of their weights, and say how the probability follows',
    )
    .option('--random-state <n>', 'seed of the samples', integer(0, 2 ** 32 - 1), 123)
    .option('--random-seed <n>', 'seed of the segmenter', integer(0), 123)
    .option(
      '--hide-color <v>',
      'what hidden segments show: a number, r,g,b, mean (of the image) or blur; their own mean colour unless given',
      colour,
    )
    .option('--top-labels <n>', 'explain the so many most probable labels (5)', integer(1))
    .addOption(new Option('--labels <list>', 'explain these labels').argParser(integerList).conflicts('topLabels'))
    .option('--num-features <n>', 'with --method lime: segments the surrogate may use', integer(1))
    .option(
      '--feature-selection <name>',
      'with --method lime: auto, none, highest_weights, forward_selection or lasso_path (auto)',
      text('a name'),
    )
    .option('--kernel-width <w>', 'with --method lime: of the exponential kernel on distances (0.25)', number)
    .option('--distance-metric <name>', 'with --method lime: between masks (cosine)', text('a name'))
  addDeviceOptions(command).action(explain)
}
