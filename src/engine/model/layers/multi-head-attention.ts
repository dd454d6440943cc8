import { flag, isListOf, optionsOf, text, thatIs, wholeNumber } from '../../arguments.ts'
import { ShapeError } from '../../errors.ts'
import { add, mul } from '../../ops/elementwise.ts'
import { matmul } from '../../ops/matmul.ts'
import { reshape } from '../../ops/reshape.ts'
import { softmax } from '../../ops/softmax.ts'
import { transpose } from '../../ops/transpose.ts'
import { formatShape, type Resident, type Shape, sizeOf, type Tensor } from '../../tensor.ts'
import { dropoutRate, dropped } from './dropout.ts'
import type { LayerContext, MergingKind, WeightDescription } from './layer.ts'

export interface MultiHeadAttentionConfig {
  readonly numHeads: number
  /** Numbers of each head's queries and keys. */
  readonly keyDim: number
  /** Numbers of each head's values; as many as keyDim unless given. */
  readonly valueDim?: number
  /** Share of the attention that is dropped while training; 0 unless given. */
  readonly dropout?: number
  /** true unless given. */
  readonly useBias?: boolean
  /** Of each place's output; as the query's, unless given. */
  readonly outputShape?: number | readonly number[]
}

export interface MultiHeadAttentionLayer extends MultiHeadAttentionConfig {
  readonly layer: 'multiHeadAttention'
}

/**
 * Keras's MultiHeadAttention (Vaswani et al., "Attention Is All You Need", 2017): of each head softmax(q · kᵀ / √keyDim) · v, where q, k
 * and v are products of the query, the key and the value with kernels of the head's own; the heads' results are brought together by one
 * more. It takes [query, value] or [query, value, key], the value being the key unless given: `through([query, value], layer)`. Of one
 * tensor, `x.through(layer)`, it is self-attention. Samples are sequences [length, features]; all places of images are one sequence.
 */
export function multiHeadAttention(config: MultiHeadAttentionConfig): MultiHeadAttentionLayer {
  return { layer: 'multiHeadAttention', ...config }
}

/** Kernel and bias of one product, under Keras's names. */
function weightsOf(name: string, useBias: boolean, from: Shape, to: Shape): WeightDescription[] {
  const kernel = { name: `${name}/kernel`, shape: [...from, ...to], initializer: 'glorotUniform' } as const
  return useBias ? [kernel, { name: `${name}/bias`, shape: to, initializer: 'zeros' }] : [kernel]
}

/** [N, …, features] as [N, length, features]. */
function asSequence(x: Tensor): Tensor {
  return reshape(x, [x.shape[0], sizeOf(x.shape.slice(1, -1)), x.shape[x.shape.length - 1]])
}

/** [N, length, features] times a kernel of so many features: [N, length, the rest of it]. */
function project(x: Tensor, [kernel, bias]: readonly Tensor[]): Tensor {
  const features = x.shape[2]
  const units = sizeOf(kernel.shape) / features
  const product = matmul(x, reshape(kernel, [features, units]))
  return bias ? add(product, reshape(bias, [units])) : product
}

/** [N, length, heads · size] as [N, heads, length, size]. */
function ofHeads(x: Tensor, heads: number): Tensor {
  const [batch, length, units] = x.shape
  return transpose(reshape(x, [batch, length, heads, units / heads]), [0, 2, 1, 3])
}

function attend(
  [query, key, value]: readonly Tensor[],
  weights: readonly Resident[],
  { numHeads, keyDim, dropout = 0, useBias = true }: MultiHeadAttentionLayer,
  context: LayerContext,
): Tensor {
  const each = useBias ? 2 : 1
  const [q, k, v] = [query, key, value].map((x, i) =>
    ofHeads(project(asSequence(x), weights.slice(i * each, (i + 1) * each)), numHeads),
  )
  const scores = softmax(matmul(mul(q, 1 / Math.sqrt(keyDim)), k, { transposeB: true }))
  const seen = matmul(dropped(scores, scores.shape, dropout, context), v)
  const [batch, , length, size] = seen.shape
  const joined = reshape(transpose(seen, [0, 2, 1, 3]), [batch, length, numHeads * size])
  return project(joined, weights.slice(3 * each))
}

/** @throws ShapeError where these are no sequences, or keys not as many as values */
function checkSequences(caller: string, inputs: readonly Shape[]): void {
  const [query, value, key = value] = inputs
  if (inputs.length <= 3 && query.length > 1 && value.length > 1 && key.length > 1) {
    if (sizeOf(key.slice(0, -1)) === sizeOf(value.slice(0, -1))) return
    throw new ShapeError(
      `${caller}: the key ${formatShape(key)} is of another length than the value ${formatShape(value)}; expected as many places`,
    )
  }
  throw new ShapeError(
    `${caller}: expected a query, a value and maybe a key, sequences [length, features], got ${inputs.map(formatShape).join(', ')}`,
  )
}

const isExtent = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 1

/** @internal */
export const multiHeadAttentionKind: MergingKind<MultiHeadAttentionLayer> = {
  options: optionsOf<MultiHeadAttentionLayer>(
    {
      layer: text,
      numHeads: wholeNumber(1),
      keyDim: wholeNumber(1),
      valueDim: wholeNumber(1),
      dropout: dropoutRate,
      useBias: flag,
      outputShape: thatIs(
        'a positive integer, or a list of them',
        (value) => isExtent(value) || (isListOf(value, isExtent) && value.length > 0),
      ),
    },
    'numHeads',
    'keyDim',
  ),
  takesOne: true,
  build(caller, description, inputs) {
    const { numHeads, keyDim, valueDim = keyDim, useBias = true } = description
    const [query, value = query, key = value] = inputs
    checkSequences(caller, inputs.length === 1 ? [query, query] : inputs)
    const { outputShape = query.slice(-1) } = description
    const made = typeof outputShape === 'number' ? [outputShape] : outputShape
    return {
      type: 'MultiHeadAttention',
      outputShape: [...query.slice(0, -1), ...made],
      weights: [
        ...weightsOf('query', useBias, query.slice(-1), [numHeads, keyDim]),
        ...weightsOf('key', useBias, key.slice(-1), [numHeads, keyDim]),
        ...weightsOf('value', useBias, value.slice(-1), [numHeads, valueDim]),
        ...weightsOf('attention_output', useBias, [numHeads, valueDim], made),
      ],
      apply([q, v = q, k = v], weights, context) {
        const y = attend([q, k, v], weights, description, context)
        return reshape(y, [...q.shape.slice(0, -1), ...made])
      },
    }
  },
}
