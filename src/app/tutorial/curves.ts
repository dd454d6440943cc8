import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'

/** One epoch as the training's log has it, under Keras's names. */
export interface EpochEntry {
  readonly epoch: number
  readonly loss: number
  readonly accuracy: number
  readonly val_loss?: number
  readonly val_accuracy?: number
}

const size = { width: 460, height: 280, left: 52, right: 16, top: 16, bottom: 40 } as const

const series = [
  { suffix: '', name: 'training', colour: '#2166ac' },
  { suffix: 'val_', name: 'validation', colour: '#b2182b' },
] as const

/** A chart of the loss or the accuracy over the epochs, training and validation, as SVG text. */
export function trainingCurve(log: readonly EpochEntry[], quantity: 'loss' | 'accuracy'): string {
  const curves = series.map(({ suffix, name, colour }) => ({
    name,
    colour,
    points: log.flatMap((entry): [number, number][] => {
      const value = entry[`${suffix}${quantity}`]
      return value === undefined ? [] : [[entry.epoch, value]]
    }),
  }))
  const values = curves.flatMap(({ points }) => points.map(([, value]) => value))
  const last = Math.max(2, ...log.map(({ epoch }) => epoch))
  const x = scaleLinear([1, last], [size.left, size.width - size.right])
  const y = scaleLinear([Math.min(...values), Math.max(...values)], [size.height - size.bottom, size.top]).nice()
  const path = line(
    ([epoch]: [number, number]) => x(epoch),
    ([, value]: [number, number]) => y(value),
  )
  const grid = y
    .ticks(5)
    .map(
      (value) =>
        `<line x1="${size.left}" x2="${size.width - size.right}" y1="${y(value)}" y2="${y(value)}" class="grid"/><text x="${size.left - 8}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
    )
  const epochs = x
    .ticks(Math.min(10, last))
    .filter(Number.isInteger)
    .map((epoch) => `<text x="${x(epoch)}" y="${size.height - size.bottom + 18}" text-anchor="middle">${epoch}</text>`)
  const drawn = curves.map(({ name, colour, points }, i) => {
    const dots = points.map(([epoch, value]) => `<circle cx="${x(epoch)}" cy="${y(value)}" r="3" fill="${colour}"/>`)
    const legendX = size.left + 24 + i * 110
    const legend = `<rect x="${legendX}" y="${size.height - 12}" width="14" height="3" fill="${colour}"/><text x="${legendX + 20}" y="${size.height - 7}">${name}</text>`
    return `<path d="${path(points) ?? ''}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${legend}`
  })
  const ends = curves.map(({ name, points }) => `${name} ${points.at(-1)?.[1].toFixed(4) ?? 'not measured'}`)
  return `<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${quantity} over ${log.length} epochs; at the end ${ends.join(', ')}">${grid.join('')}${epochs.join('')}${drawn.join('')}</svg>`
}
