import { useMemo } from 'preact/hooks'
import type { EpochLog } from '../../../engine/index.ts'
import type { TrainingPoint } from '../contract/engine-api.ts'
import { duration, percent } from '../number-format.ts'
import { type Curve, LineChart } from '../parts/line-chart.tsx'

/** More points than this are not told apart on any screen. */
const maxPoints = 800

/** Loss and accuracy while the network learns, in training and on images it does not learn from; the epochs as a table. */
export function LearningCurves({ points, log }: { points: readonly TrainingPoint[]; log: readonly EpochLog[] }) {
  const { x, loss, accuracy } = useMemo(() => curvesOf(points, log), [points, log])
  return (
    <div class="learning">
      <figure>
        <figcaption>Loss (of batches, smoothed)</figcaption>
        <LineChart
          title="Loss by epoch; the table has the numbers"
          xName="Epoch"
          x={x}
          curves={loss}
          yRange={[0, null]}
        />
      </figure>
      <figure>
        <figcaption>Accuracy</figcaption>
        <LineChart
          title="Accuracy by epoch; the table has the numbers"
          xName="Epoch"
          x={x}
          curves={accuracy}
          yRange={[null, 1]}
        />
      </figure>
      <EpochTable log={log} />
    </div>
  )
}

/** What the charts show: the mean of the losses of training batches, and what validation says after each epoch. */
function curvesOf(points: readonly TrainingPoint[], log: readonly EpochLog[]) {
  const every = Math.ceil(points.length / maxPoints)
  // An epoch's last step stands where its validation does.
  const kept = points.filter(({ step, steps }, i) => step === steps || i % every === 0)
  const validated = new Map(log.map((epoch) => [epoch.epoch, epoch]))
  const ofEpoch = (pick: (epoch: EpochLog) => number | undefined) =>
    kept.map(({ epoch, step, steps }) => {
      const ended = step === steps ? validated.get(epoch) : undefined
      return (ended && pick(ended)) ?? null
    })
  const curve = (name: string, values: (number | null)[], isValidation = false): Curve => ({
    name,
    colour: isValidation ? 'against' : 'accent',
    isDotted: isValidation,
    values,
  })
  return {
    x: kept.map(({ epoch, step, steps }) => epoch - 1 + step / steps),
    loss: [
      curve('Training', smoothed(kept.map(({ batchLoss }) => batchLoss))),
      curve(
        'Validation',
        ofEpoch(({ valLoss }) => valLoss),
        true,
      ),
    ],
    accuracy: [
      curve(
        'Training',
        kept.map((point) => point.accuracy ?? null),
      ),
      curve(
        'Validation',
        ofEpoch(({ valAccuracy }) => valAccuracy),
        true,
      ),
    ],
  }
}

/** The epochs in numbers. */
function EpochTable({ log }: { log: readonly EpochLog[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="epochs" aria-label="The epochs in numbers" tabIndex={0}>
      <table>
        <caption>Epochs</caption>
        <thead>
          <tr>
            <th scope="col">Epoch</th>
            <th scope="col">Loss</th>
            <th scope="col">Accuracy</th>
            <th scope="col">Validation loss</th>
            <th scope="col">Validation accuracy</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          {log.map(({ epoch, loss, accuracy, valLoss, valAccuracy, seconds }) => (
            <tr key={epoch}>
              <th scope="row">{epoch}</th>
              <td class="number">{loss.toFixed(4)}</td>
              <td class="number">{accuracy !== undefined && percent(accuracy)}</td>
              <td class="number">{valLoss?.toFixed(4)}</td>
              <td class="number">{valAccuracy !== undefined && percent(valAccuracy)}</td>
              <td class="number">{duration(seconds * 1000)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** An exponential mean over about ten points: single batches jump. */
function smoothed(values: readonly number[]): number[] {
  let mean = values[0] ?? 0
  return values.map((value) => {
    mean = 0.9 * mean + 0.1 * value
    return mean
  })
}
