import { add, mul } from '../../ops/elementwise.ts'
import { matmul } from '../../ops/matmul.ts'
import { reshape } from '../../ops/reshape.ts'
import { sum } from '../../ops/sum-and-broadcast.ts'
import { transpose } from '../../ops/transpose.ts'
import { formatShape, sizeOf, type Tensor } from '../../tensor.ts'
import type { OperatorCall } from '../operators/operator-call.ts'
import { DeviceValue, type Value } from '../operators/value.ts'
import type { OperatorTable } from './operator-table.ts'

/** Products of matrices. */
export const matrixOperators: OperatorTable = {
  MatMul(call) {
    const [a, b] = [call.value(0), call.value(1)]
    // Sums run along the axis before the last of the right one: along its samples where it has but two.
    if (b instanceof DeviceValue && (b.shape.length <= 2 || b.shape.length < a.shape.length)) call.noteMixing()
    if (a instanceof DeviceValue && a.shape.length < Math.max(2, b.shape.length)) call.noteMixing()
    return new DeviceValue(matmul(call.tensor(a), call.tensor(b)))
  },

  /** alpha · A · B + beta · C. Weights that are given transposed are turned round when the file is read. */
  Gemm(call) {
    const [a, b] = [call.value(0), call.value(1)]
    const [turnsA, turnsB] = [call.flag('transA'), call.flag('transB')]
    if (a.shape.length !== 2 || b.shape.length !== 2)
      call.invalid(`its inputs are ${formatShape(a.shape)} and ${formatShape(b.shape)}; expected two matrices`)
    if ((a instanceof DeviceValue && turnsA) || b instanceof DeviceValue) call.noteMixing()
    const turned = (value: Value, turns: boolean) => call.tensor(value, turns ? [1, 0] : [0, 1])
    const product = scaled(matmul(turned(a, turnsA), turned(b, turnsB)), call.number('alpha', 1))
    if (!call.has(2)) return new DeviceValue(product)
    const c = call.value(2)
    if (c instanceof DeviceValue && c.shape.length < 2) call.noteMixing()
    return new DeviceValue(add(product, scaled(call.tensor(c), call.number('beta', 1))))
  },

  /** Of one or two tensors; each letter once in each. */
  Einsum(call) {
    const { terms, result } = equationOf(call)
    const values = terms.map((_, i) => call.value(i))
    const tensors = values.map((value, i) => {
      if (value.shape.length !== terms[i].length) call.invalid(`${terms[i]} is said of ${formatShape(value.shape)}`)
      if (value instanceof DeviceValue && result[0] !== terms[i][0]) call.noteMixing()
      return { letters: terms[i], tensor: call.tensor(value) }
    })
    const summed = tensors.map((term, i) => withoutLonely(term, [result, ...terms.filter((_, j) => j !== i)].join('')))
    const made = summed.length === 1 ? summed[0] : product(summed[0], summed[1], result)
    return new DeviceValue(
      transpose(
        made.tensor,
        [...result].map((letter) => made.letters.indexOf(letter)),
      ),
    )
  },
}

function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : mul(x, factor)
}

/** A tensor whose axes have letters. */
interface Lettered {
  readonly letters: string
  readonly tensor: Tensor
}

function equationOf(call: OperatorCall): { readonly terms: readonly string[]; readonly result: string } {
  const equation = call.text('equation').replace(/\s/g, '')
  const [left, right] = equation.split('->')
  const terms = left.split(',')
  const letters = terms.join('')
  // Without an arrow: what occurs once, in the order of the alphabet.
  const implied = [...new Set(letters)].filter((letter) => letters.split(letter).length === 2).sort()
  const result = right ?? implied.join('')
  const isPlain = [...terms, result].every((term) => /^[A-Za-z]*$/.test(term) && new Set(term).size === term.length)
  if (!isPlain || terms.length > 2 || terms.length !== call.inputs.length) call.unsupported(`the equation ${equation}`)
  if ([...result].some((letter) => !letters.includes(letter)))
    call.invalid(`the equation ${equation} makes an axis of nothing`)
  return { terms, result }
}

/** Axes whose letter occurs nowhere else are added up. */
function withoutLonely({ letters, tensor }: Lettered, others: string): Lettered {
  const axes = [...letters].flatMap((letter, axis) => (others.includes(letter) ? [] : [axis]))
  const kept = [...letters].filter((letter) => others.includes(letter)).join('')
  return { letters: kept, tensor: axes.length > 0 ? sum(tensor, { axes }) : tensor }
}

/** As products of matrices: letters of both and of the result number them, those of both alone are added up. */
function product(a: Lettered, b: Lettered, result: string): Lettered {
  const shared = [...a.letters].filter((letter) => b.letters.includes(letter))
  const batch = shared.filter((letter) => result.includes(letter))
  const inner = shared.filter((letter) => !result.includes(letter))
  const rows = [...a.letters].filter((letter) => !shared.includes(letter))
  const columns = [...b.letters].filter((letter) => !shared.includes(letter))
  const extents = new Map<string, number>()
  for (const { letters, tensor } of [a, b])
    for (const [axis, letter] of [...letters].entries()) extents.set(letter, tensor.shape[axis])
  const shapeOf = (letters: readonly string[]) => letters.map((letter) => extents.get(letter) ?? 1)
  const matrices = ({ letters, tensor }: Lettered, groups: readonly (readonly string[])[]) => {
    const turned = transpose(
      tensor,
      groups.flat().map((letter) => letters.indexOf(letter)),
    )
    return reshape(turned, [...shapeOf(groups[0]), sizeOf(shapeOf(groups[1])), sizeOf(shapeOf(groups[2]))])
  }
  const y = matmul(matrices(a, [batch, rows, inner]), matrices(b, [batch, inner, columns]))
  const letters = [...batch, ...rows, ...columns]
  return { letters: letters.join(''), tensor: reshape(y, shapeOf(letters)) }
}
