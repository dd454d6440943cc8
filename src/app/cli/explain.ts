import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { ArgumentError } from '../../engine/errors.ts'
import { checkWritable } from '../../engine/platform/atomic-write.ts'
import { explanationRequest, methodNames, samplingDesigns, segmenterNames } from '../../lime/index.ts'
import { imageFiles } from '../inputs/image-files.ts'
import type { ReadModelFile } from '../inputs/model-file.ts'
import { segmentedIn } from '../photographs/photograph-segments.ts'
import { explainOne, type Question } from './explain-one.ts'
import {
  collectParameter,
  colour,
  type ExplainCommandOptions,
  indexRange,
  labelList,
  requestOf,
  samplesOption,
} from './explain-options.ts'
import { askPhotograph } from './explain-photograph.ts'
import { explainPhotographs } from './explain-photographs.ts'
import { askOwnPicture, askTestImage } from './explain-picture.ts'
import { explainTestImages } from './explain-test-images.ts'
import { inLockedFolder } from './locked.ts'
import { readModelFile } from './open-model.ts'
import { addDeviceOptions, integer, number, path, paths, text } from './options.ts'
import { addPictureOptions } from './picture-options.ts'

async function explain(options: ExplainCommandOptions): Promise<void> {
  const { index, image, indices, out } = options
  if ([index, image, indices].filter((given) => given !== undefined).length !== 1)
    throw new ArgumentError(
      'explain: give one of --image FILE… (pictures, folders, patterns), --index N (a test image) and --indices FIRST:END (many test images)',
    )
  if (options.masks && !options.json && out === undefined)
    throw new ArgumentError('--masks needs --json, which prints them, or --out')
  const { method } = explanationRequest(requestOf(options))
  if (options.masks && method !== 'lime')
    throw new ArgumentError('--masks: only the method lime keeps the masks of its samples')
  if (indices) return explainTestImages(indices, folderFor('--indices', options), options)
  if (!image) return one(askTestImage, options)
  const { files, isOne } = await imageFiles(image)
  if (!isOne) return explainPhotographs(files, folderFor('several pictures: --image', options), options)
  return one((given, signal) => askPicture(image[0], given, signal), options)
}

/** The folder that many explanations go to. @throws ArgumentError for what is for one image */
function folderFor(what: string, { out, stability, faithfulness, masks, segments }: ExplainCommandOptions): string {
  if (out === undefined) throw new ArgumentError(`${what} needs --out, the folder that the explanations go to`)
  if (segments !== undefined) throw new ArgumentError(`--segments is for one photograph, not for ${what}`)
  if (stability !== undefined || faithfulness || masks)
    throw new ArgumentError(`--stability, --faithfulness and --masks are for one image, not for ${what}`)
  return out
}

async function one(ask: Parameters<typeof explainOne>[0], options: ExplainCommandOptions): Promise<void> {
  const { out } = options
  if (out === undefined) return explainOne(ask, options)
  await checkWritable(join(out, 'explanation.json'))
  await inLockedFolder(out, () => explainOne(ask, options))
}

/** A picture as it is, for a network of ours that says nothing else; for any other network a photograph. */
async function askPicture(file: string, options: ExplainCommandOptions, signal: AbortSignal): Promise<Question> {
  const read = await readModelFile(options.model, options)
  const takesItAsItIs = isOurs(read) && !saysHow(options)
  return takesItAsItIs ? askOwnPicture(file, read, options, signal) : askPhotograph(file, read, options, signal)
}

/** Whether it was made here and takes values from 0 to 1: what was made of another program's file says how that takes pictures. */
function isOurs({ model }: ReadModelFile): boolean {
  return model.origin?.format === 'safetensors' && model.images.preprocessing === undefined
}

/** Whether people said how pictures come to the network. */
function saysHow({
  scale,
  mean,
  std,
  bgr,
  output,
  classNames,
  crop,
  segmentIn,
  segments,
}: ExplainCommandOptions): boolean {
  return [scale, mean, std, bgr, output, classNames, crop, segmentIn, segments].some((given) => given !== undefined)
}

export function addExplainCommand(program: Command): void {
  const command = program
    .command('explain')
    .description(
      'which parts of a picture speak for and against what a network says of it, by LIME or by Shapley values',
    )
    .requiredOption('--model <file>', 'a model file of any format, or a name that `limelight models` lists', path)
    .option('--index <n>', 'explain this test image', integer(0))
    .option(
      '--image <file...>',
      'explain these pictures: files, folders or patterns; a folder or several go to --out, as many',
      paths,
    )
    .addOption(
      new Option(
        '--indices <first:end>',
        'explain these test images, one JSON line each; goes on where it stopped, with the same options',
      ).argParser(indexRange),
    )
    .option(
      '--crop',
      "with --image: take a picture's middle in the network's proportions; it is squashed to them unless given",
    )
    .addOption(
      new Option(
        '--segment-in <what>',
        'with --image: where segments are looked for, in what the network sees or in the photograph, up to 512 pixels a side (network)',
      ).choices([...segmentedIn]),
    )
    .addOption(
      new Option(
        '--segments <file>',
        "with --image: your own segments, a PNG in the photograph's size or proportions whose levels or colours they are",
      )
        .argParser(path)
        .conflicts(['segmenter', 'segmentIn']),
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
        '--sampling <how>',
        'with --method lime: plain: masks as Python draws them; balanced: in blocks that cover mixtures evenly, fewer for the same error; balanced for auto, else plain, unless given',
      ).choices(samplingDesigns),
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
    .option('--random-seed <n>', 'seed of the segmenter, and of --hide-color noise', integer(0), 123)
    .option(
      '--hide-color <v>',
      'what hidden segments show: a number, r,g,b, mean (of the image), blur, noise (by --random-seed) or inpaint (what surrounds them); their own mean colour unless given',
      colour,
    )
    .option('--top-labels <n>', 'explain the so many most probable labels (5)', integer(1))
    .addOption(
      new Option('--labels <list>', 'explain these classes, by number or by name, with commas between them')
        .argParser(labelList)
        .conflicts('topLabels'),
    )
    .option('--num-features <n>', 'with --method lime: segments the surrogate may use', integer(1))
    .option(
      '--feature-selection <name>',
      'with --method lime: auto, none, highest_weights, forward_selection or lasso_path (auto)',
      text('a name'),
    )
    .option('--kernel-width <w>', 'with --method lime: of the exponential kernel on distances (0.25)', number)
    .option('--distance-metric <name>', 'with --method lime: between masks (cosine)', text('a name'))
  addPictureOptions(addDeviceOptions(command)).action(explain)
}
