import { listOf, oneOf, shown } from '../arguments.ts'
import { ArgumentError, ShapeError } from '../errors.ts'
import { checkLabels, checkSamples, isTargets, type Labels, type Targets } from '../model/samples.ts'
import { formatShape, Input, type Shape, type Tensor } from '../tensor.ts'
import { type Loss, type LossName, losses, meanAbsoluteError } from './losses.ts'

/** What a network is trained for, and what is told of it beside its loss: compile({ loss, metrics }). */

export interface Objective {
  /** 'sparseCategoricalCrossentropy' unless given. */
  readonly loss?: LossName
  /** What is computed and told beside the loss; nothing unless given. The loss may be named, too: it is always told. */
  readonly metrics?: readonly (MetricName | 'loss')[]
}

/** Metrics as rows: what labels each takes, and its graph, [N]. */
interface Metric {
  /** null where that is the loss's matter. */
  readonly graph: (loss: Loss, output: Tensor, labels: Tensor) => Tensor
  /** Why it can't be had beside this loss; null where it can. */
  readonly refusal: (loss: Loss) => string | null
}

const ofTargets = (loss: Loss) => (loss.labels === 'classes' ? 'it compares numbers, and the labels are classes' : null)

const metrics = {
  /** Of class numbers and one-hot targets how many are the most probable; of sigmoids how many are on the right side of 0.5. */
  accuracy: {
    graph: ({ accuracy }, output, labels) => {
      if (!accuracy) throw new ArgumentError('accuracy: there is none beside this loss')
      return accuracy(output, labels)
    },
    refusal: ({ accuracy }) => (accuracy ? null : 'numbers are neither right nor wrong'),
  },
  meanSquaredError: {
    graph: (_loss, output, targets) => losses.meanSquaredError.of(output, targets),
    refusal: ofTargets,
  },
  meanAbsoluteError: { graph: (_loss, output, targets) => meanAbsoluteError(output, targets), refusal: ofTargets },
} satisfies Record<string, Metric>

export type MetricName = keyof typeof metrics

/** Means over samples, by name: the loss, and the metrics that were asked for. */
export type Scores = { readonly loss: number } & { readonly [M in MetricName]?: number }

/** Scores under names that begin so: valLoss, valAccuracy. */
export type Prefixed<P extends string, S = Scores> = {
  readonly [K in keyof S as `${P}${Capitalize<K & string>}`]: S[K]
}

export function prefixed<P extends string>(prefix: P, scores: Scores): Prefixed<P> {
  const names = Object.keys(scores) as (keyof Scores)[]
  return Object.fromEntries(names.map((name) => [prefixedName(prefix, name), scores[name]])) as unknown as Prefixed<P>
}

export function prefixedName<P extends string, N extends keyof Scores>(prefix: P, name: N) {
  return `${prefix}${name[0].toUpperCase()}${name.slice(1)}` as `${P}${Capitalize<N>}`
}

const lossNames = Object.keys(losses) as LossName[]
/** In the order in which they are shown. */
export const metricNames = Object.keys(metrics) as MetricName[]

/** @internal */
export const lossOption = oneOf(...lossNames)

/** @internal */
export const metricsOption = listOf(
  `a list of ${[...metricNames, 'loss'].map((name) => `'${name}'`).join(', ')}`,
  oneOf(...metricNames, 'loss'),
)

/** The names of what is told, the loss first: each once. */
export function scoreNames({ metrics: asked = [] }: Objective): readonly (keyof Scores)[] {
  return [...new Set<keyof Scores>(['loss', ...asked])]
}

/** @throws ArgumentError where a metric can't be had beside the loss */
export function checkObjective(caller: string, objective: Objective): void {
  for (const name of scoreNames(objective)) {
    const refusal = name === 'loss' ? null : metrics[name].refusal(lossOf(objective))
    if (refusal)
      throw new ArgumentError(
        `${caller}: there is no metric '${name}' beside the loss '${nameOf(objective)}': ${refusal}`,
      )
  }
}

/** Each score of each sample, [N], the loss first. */
export function sampleScores(objective: Objective, output: Tensor, labels: Tensor): Map<keyof Scores, Tensor> {
  const loss = lossOf(objective)
  return new Map(
    scoreNames(objective).map((name) => [
      name,
      name === 'loss' ? loss.of(output, labels) : metrics[name].graph(loss, output, labels),
    ]),
  )
}

/** What `count` samples' labels are on a device. */
export function labelType(objective: Objective, outputShape: Shape, count: number) {
  return lossOf(objective).labels === 'classes'
    ? ({ shape: [count], dtype: 'i32' } as const)
    : ({ shape: [count, ...outputShape], dtype: 'f32' } as const)
}

export function labelInput(objective: Objective, outputShape: Shape, count: number): Input {
  const { shape, dtype } = labelType(objective, outputShape, count)
  return new Input('labels', shape, dtype)
}

/**
 * Whether labels are those that the loss takes, for so many samples.
 * @throws ArgumentError, ShapeError that say which it takes
 */
export function checkTruth(
  caller: string,
  objective: Objective,
  labels: Labels | Targets,
  count: number,
  outputShape: Shape,
): void {
  const loss = nameOf(objective)
  const kind = lossOf(objective).labels
  if (kind === 'classes') {
    if (isTargets(labels))
      throw new ArgumentError(
        `${caller}: the loss '${loss}' takes class numbers, one a sample, not targets { data, shape }; 'categoricalCrossentropy' takes those`,
      )
    if (outputShape.length !== 1)
      throw new ShapeError(
        `${caller}: the model ends in ${formatShape(outputShape)}; expected one number a class, as dense() gives behind flatten() or a global pooling`,
      )
    checkLabels(caller, labels, count, outputShape[0])
    return
  }
  const expected = `targets { data, shape: [N,${outputShape.join(',')}] }, what the outputs should be`
  if (!isTargets(labels))
    throw new ArgumentError(`${caller}: the loss '${loss}' takes ${expected}, not ${shown(labels)}`)
  checkSamples(`${caller}: targets`, labels, outputShape)
  if (labels.shape[0] !== count)
    throw new ShapeError(`${caller}: ${labels.shape[0]} targets given for ${count} samples`)
  if (kind === 'numbers') return
  const { data, scale = 1 } = labels
  for (let i = 0; i < data.length; i++) {
    const value = data[i] * scale
    if (!(value >= 0 && value <= 1))
      throw new ArgumentError(
        `${caller}: the target of sample ${Math.floor((i * count) / data.length)} holds ${value}; the loss '${loss}' takes probabilities, from 0 to 1`,
      )
  }
}

function nameOf({ loss = 'sparseCategoricalCrossentropy' }: Objective): LossName {
  return loss
}

function lossOf(objective: Objective): Loss {
  return losses[nameOf(objective)]
}
