import type { BatchLog, EpochLog } from './fit-options.ts'
import { metricNames, prefixedName } from './objective.ts'

/** The lines that Keras prints while it trains. */

const barWidth = 30

function bar(step: number, steps: number): string {
  const filled = Math.floor((barWidth * step) / steps)
  if (step >= steps) return '='.repeat(barWidth)
  return `${'='.repeat(Math.max(0, filled - 1))}${filled > 0 ? '>' : ''}`.padEnd(barWidth, '.')
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)}s`
  const minutes = Math.floor(seconds / 60)
  const rest = String(Math.floor(seconds % 60)).padStart(2, '0')
  return minutes < 60
    ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`
}

/** ` - loss: 0.6021 - accuracy: 0.7856`: what there is, by Keras's names, and the learning rate where it changes. */
function scores(log: BatchLog | EpochLog): string {
  const named: [string, number | undefined][] = [
    ['loss', log.loss],
    ...metricNames.map((name): [string, number | undefined] => [inKeras(name), log[name]]),
  ]
  if ('valLoss' in log) {
    named.push(['val_loss', log.valLoss])
    for (const name of metricNames) named.push([`val_${inKeras(name)}`, log[prefixedName('val', name)]])
  }
  const shown = named.flatMap(([name, value]) => (value === undefined ? [] : [` - ${name}: ${value.toFixed(4)}`]))
  const { learningRate } = log
  if (learningRate !== undefined) shown.push(` - learning_rate: ${learningRate.toExponential(4)}`)
  return shown.join('')
}

/** meanSquaredError -> mean_squared_error */
function inKeras(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** `117/235 [==============>...............] - ETA: 31s - loss: 0.6021 - accuracy: 0.7856`, without a line break. */
export function batchLine(log: BatchLog): string {
  const { step, steps, etaSeconds } = log
  const counter = `${String(step).padStart(String(steps).length)}/${steps}`
  return `${counter} [${bar(step, steps)}] - ETA: ${duration(etaSeconds)}${scores(log)}`
}

/** `235/235 [===…===] - 62s 264ms/step - loss: 0.4981 - accuracy: 0.8245 - val_loss: 0.3602 - val_accuracy: 0.8712` */
export function epochLine(log: EpochLog): string {
  const { steps, msPerStep, seconds } = log
  const pace = `${duration(seconds)} ${Math.round(msPerStep)}ms/step`
  return `${steps}/${steps} [${bar(steps, steps)}] - ${pace}${scores(log)}`
}
