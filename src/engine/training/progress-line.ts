import type { BatchLog, EpochLog } from './fit-options.ts'

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

/** `117/235 [==============>...............] - ETA: 31s - loss: 0.6021 - accuracy: 0.7856`, without a line break. */
export function batchLine({ step, steps, loss, accuracy, etaSeconds }: BatchLog): string {
  const counter = `${String(step).padStart(String(steps).length)}/${steps}`
  return `${counter} [${bar(step, steps)}] - ETA: ${duration(etaSeconds)} - loss: ${loss.toFixed(4)} - accuracy: ${accuracy.toFixed(4)}`
}

/** `235/235 [===…===] - 62s 264ms/step - loss: 0.4981 - accuracy: 0.8245 - val_loss: 0.3602 - val_accuracy: 0.8712` */
export function epochLine({ steps, loss, accuracy, valLoss, valAccuracy, msPerStep, seconds }: EpochLog): string {
  const validation =
    valLoss === undefined || valAccuracy === undefined
      ? ''
      : ` - val_loss: ${valLoss.toFixed(4)} - val_accuracy: ${valAccuracy.toFixed(4)}`
  const pace = `${duration(seconds)} ${Math.round(msPerStep)}ms/step`
  return `${steps}/${steps} [${bar(steps, steps)}] - ${pace} - loss: ${loss.toFixed(4)} - accuracy: ${accuracy.toFixed(4)}${validation}`
}
