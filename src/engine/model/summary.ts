import { type Shape, sizeOf } from '../tensor.ts'

interface SummaryLayer {
  readonly name: string
  readonly type: string
  readonly outputShape: Shape
  readonly weights: readonly { readonly shape: Shape }[]
}

/** Where Keras 2.6 ends its three columns. */
const columns = [29, 55, 65]

function row(...cells: readonly string[]): string {
  return cells.reduce((line, cell, i) => `${line}${cell}`.slice(0, columns[i]).padEnd(columns[i]), '')
}

/** The text of Keras 2.6's model.summary(). */
export function summaryTable(layers: readonly SummaryLayer[]): string {
  const counts = layers.map(({ weights }) => weights.reduce((total, { shape }) => total + sizeOf(shape), 0))
  const total = counts.reduce((sum, count) => sum + count, 0)
  const thin = '_'.repeat(65)
  const thick = '='.repeat(65)
  const body = layers.map(({ name, type, outputShape }, i) =>
    row(`${name} (${type})`, `(None, ${outputShape.join(', ')})`, String(counts[i])),
  )
  const count = total.toLocaleString('en-US')
  return [
    'Model: "sequential"',
    thin,
    row('Layer (type)', 'Output Shape', 'Param #'),
    thick,
    body.join(`\n${thin}\n`),
    thick,
    `Total params: ${count}`,
    `Trainable params: ${count}`,
    'Non-trainable params: 0',
    thin,
  ].join('\n')
}
