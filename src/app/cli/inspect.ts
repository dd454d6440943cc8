import type { Command } from 'commander'
import { ShapeError } from '../../engine/errors.ts'
import type { Model } from '../../engine/facade/model.ts'
import type { ModelOrigin, Stated } from '../../engine/formats/opened-model.ts'
import { operatorCounts } from '../../engine/formats/operators/operator-summary.ts'
import { networkCost } from '../../engine/model/network-cost.ts'
import type { PictureTask } from '../tasks/picture-task.ts'
import { readModelFile } from './open-model.ts'
import { path } from './options.ts'
import { addPictureOptions, type PictureCommandOptions, pictureTaskFor } from './picture-options.ts'
import { result } from './terminal.ts'

interface InspectOptions extends PictureCommandOptions {
  readonly json?: boolean
}

export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .description(
      'what a model file is: format, inputs, operators, size, what it takes to run, and how it wants its pictures',
    )
    .argument('<file>', 'a model file', path)
  addPictureOptions(command)
    .option('--json', 'print it as JSON')
    .action(async (file: string, options: InspectOptions) => {
      const { path: found, model, files, bytes, digest } = await readModelFile(file, options)
      const description = {
        file: found,
        files,
        bytes,
        sha256: digest,
        ...describe(model),
        pictures: await picturesOf(model, found, options),
      }
      result(options.json ? JSON.stringify(description) : asText(description))
    })
}

/** What there is to know of a model, as plain data. */
function describe(model: Model) {
  const { network, origin } = model
  const nodes = 'nodes' in network ? network.nodes : null
  return {
    ...origin,
    inputs: network.inputs,
    outputs: network.outputs,
    madeOf: nodes ? 'operators' : 'layers',
    counts: Object.fromEntries(nodes ? operatorCounts(nodes) : layerCounts(model)),
    ...networkCost(network),
    isOneByOne: Boolean(network.isOneByOne),
  }
}

function layerCounts({ layers }: Model): [type: string, count: number][] {
  const counts = new Map<string, number>()
  for (const { type } of layers) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts].sort(([, many], [, more]) => more - many)
}

/** The reason, for a network that takes no pictures. */
async function picturesOf(model: Model, file: string, options: PictureCommandOptions): Promise<PictureTask | string> {
  try {
    return await pictureTaskFor(model, file, options)
  } catch (error) {
    if (error instanceof ShapeError) return error.message
    throw error
  }
}

type Description = Partial<ModelOrigin> &
  ReturnType<typeof describe> & {
    readonly file: string
    readonly files: readonly string[]
    readonly bytes: number
    readonly pictures: PictureTask | string
  }

const grouped = (count: number) => count.toLocaleString('en-US')
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const ports = (all: Description['inputs']) => all.map(({ name, shape }) => `${name} [N,${shape.join(',')}]`).join(', ')

type Row = readonly [name: string, value: string]

const oneByOne: Row = ['Batch', 'made for one sample: several go through one by one']

function asText(description: Description): string {
  const { file, files, bytes, format, producer, version, storage, inputs, outputs, pictures } = description
  const { flops, parameters, parameterBytes, workingBytes, isOneByOne, madeOf } = description
  const counts = Object.entries(description.counts)
  const rows: Row[] = [
    ['Format', [format, version, producer && `by ${producer}`, storage].filter(Boolean).join(', ')],
    [
      'Size',
      `${grouped(bytes)} bytes${files.length > 1 ? ` in ${files.length} files` : ''}, ${grouped(parameters)} parameters`,
    ],
    ['Inputs', ports(inputs)],
    ['Outputs', ports(outputs)],
    [madeOf === 'layers' ? 'Layers' : 'Operators', counts.map(([name, count]) => `${name} ${count}`).join(', ')],
    [
      'To run',
      `${(flops / 1e6).toFixed(1)} MFLOP a sample; ${megabytes(parameterBytes)} of weights, at most ${megabytes(workingBytes)} between them`,
    ],
    ...(isOneByOne ? [oneByOne] : []),
    ...pictureRows(pictures, outputs),
  ]
  return [file, ...rows.map(([name, value]) => `${name.padEnd(14)}${value}`)].join('\n')
}

function pictureRows(task: PictureTask | string, outputs: Description['outputs']): Row[] {
  if (typeof task === 'string') return [['Pictures', task]]
  const told = <T>(stated: Stated<T> | null, show: (value: T) => string, option: string) =>
    stated ? `${show(stated.value)} (${stated.source})` : `not known: say it with ${option}`
  const [height, width] = task.pictureShape
  const list = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(6))).join(', ')
  return [
    [
      'Pictures',
      `${width} x ${height} pixels, ${task.channels.value} (${task.channels.source}), ${task.layout.value} (${task.layout.source})`,
    ],
    [
      'Pixels',
      told(
        task.preprocessing,
        ({ scale, offset }) => `0 to 255, x [${list(scale)}] + [${list(offset)}]`,
        '--scale, --mean and --std',
      ),
    ],
    ...(task.classes === null
      ? [['Answers', `no number a class, but ${ports(outputs)}: boxes or a map, say`] as const]
      : [
          ['Answers', told(task.output, (kind) => kind, '--output')] as const,
          [
            'Classes',
            told(task.classNames, (names) => `${names.length}: ${names.slice(0, 3).join(', ')}, …`, '--class-names'),
          ] as const,
        ]),
  ]
}
