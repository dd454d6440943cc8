import { sizeOf } from '../tensor.ts'
import { type LayerCall, type LayeredNetwork, type LayerOutline, layersOf } from './layered.ts'
import type { WeightDescription } from './layers/layer.ts'

/** The text of Keras 2.6's model.summary(). */

/** Where the columns end: of stacks, and of graphs, which have a fourth. */
const stackColumns = [29, 55, 65]
const graphColumns = [32, 53, 65, 98]

/** A row of a network's table; `connectedTo` only where it is no stack. */
interface Row {
  readonly layer: string
  readonly outputShape: string
  readonly parameters: string
  readonly connectedTo: readonly string[]
}

function line(columns: readonly number[], cells: readonly string[]): string {
  return cells.reduce((begun, cell, i) => {
    // A cell that was cut off leaves a space before the next.
    const before = i === 0 ? '' : `${begun.slice(0, -1)} `
    return `${before}${cell}`.slice(0, columns[i]).padEnd(columns[i])
  }, '')
}

function table(title: string, columns: readonly number[], rows: readonly Row[], totals: readonly string[]): string {
  const width = columns[columns.length - 1]
  const [thin, thick] = ['_'.repeat(width), '='.repeat(width)]
  const header = ['Layer (type)', 'Output Shape', 'Param #', 'Connected to'].slice(0, columns.length)
  const body = rows.map(({ layer, outputShape, parameters, connectedTo }) =>
    [
      line(columns, [layer, outputShape, parameters, connectedTo[0] ?? ''].slice(0, columns.length)),
      ...connectedTo.slice(1).map((other) => line(columns, ['', '', '', other])),
    ].join('\n'),
  )
  return [
    `Model: "${title}"`,
    thin,
    line(columns, header),
    thick,
    body.join(`\n${thin}\n`),
    thick,
    ...totals,
    thin,
  ].join('\n')
}

type Counted = readonly Pick<WeightDescription, 'shape' | 'trainable'>[]

function countOf(weights: Counted): number {
  return weights.reduce((total, { shape }) => total + sizeOf(shape), 0)
}

/** How many numbers there are, and how many of them are trained. */
export function totalsOf(weights: Counted): string[] {
  const [total, trained] = [countOf(weights), countOf(weights.filter(({ trainable = true }) => trainable))]
  const shown = (count: number) => count.toLocaleString('en-US')
  return [
    `Total params: ${shown(total)}`,
    `Trainable params: ${shown(trained)}`,
    `Non-trainable params: ${shown(total - trained)}`,
  ]
}

const batchOf = (shape: readonly number[]) => `(${['None', ...shape].join(', ')})`

function layerRow({ name, type, outputShape, weights }: LayerOutline): Row {
  const parameters = String(countOf(weights))
  return { layer: `${name} (${type})`, outputShape: batchOf(outputShape), parameters, connectedTo: [] }
}

/** The table of a stack: layers, output shapes and parameters. */
export function stackSummary(layers: readonly LayerOutline[]): string {
  return table('sequential', stackColumns, layers.map(layerRow), totalsOf(layers.flatMap(({ weights }) => weights)))
}

/**
 * The table of a graph: inputs are rows, too, and where it is more than a chain a column tells what each layer is connected to. As in
 * Keras, `dense[1][0]` is what the layer dense made when it was called for the second time.
 */
export function graphSummary({ inputs, calls }: LayeredNetwork): string {
  const layers = layersOf(calls)
  const isChain = inputs.length === 1 && layers.length === calls.length && calls.every(takesTheOneBefore)
  const inputRows = inputs.map(({ name, shape }): Row => {
    return { layer: `${name} (InputLayer)`, outputShape: `[${batchOf(shape)}]`, parameters: '0', connectedTo: [] }
  })
  const made = new Map<string, number>()
  const tensors = inputs.map(({ name }) => `${name}[0][0]`)
  for (const { name } of calls) {
    const call = made.get(name) ?? 0
    made.set(name, call + 1)
    tensors.push(`${name}[${call}][0]`)
  }
  const layerRows = layers.map((layer): Row => {
    const own = calls.filter(({ name }) => name === layer.name)
    const shapes = new Set(own.map((call) => batchOf(call.layer.outputShape)))
    const connectedTo = own.flatMap((call) => call.inputs.map((tensor) => tensors[tensor]))
    return { ...layerRow(layer), ...(shapes.size > 1 && { outputShape: 'multiple' }), connectedTo }
  })
  const columns = isChain ? stackColumns : graphColumns
  const rows = [...inputRows, ...layerRows].map((row) => (isChain ? { ...row, connectedTo: [] } : row))
  return table('model', columns, rows, totalsOf(layers.flatMap(({ weights }) => weights)))
}

function takesTheOneBefore({ inputs }: LayerCall, index: number): boolean {
  return inputs.length === 1 && inputs[0] === index
}
