import { check, thatIs } from './arguments.ts'
import { GradientError, ShapeError } from './errors.ts'
import { add } from './ops/elementwise.ts'
import { constant, formatShape, sizeOf, Tensor } from './tensor.ts'

const aTensor = thatIs<Tensor>('a tensor', (value) => value instanceof Tensor)
const tensors = thatIs<readonly Tensor[]>(
  'a list of tensors',
  (value) => Array.isArray(value) && value.every((one) => one instanceof Tensor),
)

/**
 * Reverse-mode differentiation, graph to graph: the gradients of the scalar `loss` with respect to each tensor in `wrt`,
 * as ordinary lazy tensors that can be planned, or differentiated again. Only what `wrt` depends on is built: the first
 * convolution's input gradient, which nobody asks for, never exists.
 * @throws ShapeError when `loss` is not a scalar
 * @throws GradientError when the only path to a wanted tensor leads through an operation without a gradient
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  check('gradients', aTensor, loss, 'loss')
  check('gradients', tensors, wrt, 'wrt')
  if (sizeOf(loss.shape) !== 1)
    throw new ShapeError(`gradients: the loss must be one number, its shape is ${formatShape(loss.shape)}`)
  const order = topologicalOrder(loss)
  const wanted = new Set(wrt)
  const needed = new Set<Tensor>()
  for (const node of order) if (wanted.has(node) || node.inputs.some((input) => needed.has(input))) needed.add(node)

  const upstream = new Map<Tensor, Tensor>([[loss, constant(1, loss.shape)]])
  for (const node of order.reverse()) {
    const dy = upstream.get(node)
    if (!dy || !node.inputs.some((input) => needed.has(input))) continue
    if (!node.operation.gradient)
      throw new GradientError(`gradients: ${node.operation.name} has no gradient, and the result depends on it`)
    const rules = node.operation.gradient(node, dy, node.attributes)
    node.inputs.forEach((input, index) => {
      const rule = rules[index]
      if (!needed.has(input) || !rule) return
      const sum = upstream.get(input)
      upstream.set(input, sum ? add(sum, rule()) : rule())
    })
  }
  return wrt.map((tensor) => upstream.get(tensor) ?? constant(0, tensor.shape))
}

/** Every node `root` depends on, inputs before their users. Without recursion: a graph may be deeper than the stack. */
export function topologicalOrder(...roots: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = []
  const seen = new Set<Tensor>()
  const stack = roots.toReversed().map((tensor) => ({ tensor, next: 0 }))
  while (stack.length > 0) {
    const top = stack[stack.length - 1]
    if (top.next === 0) {
      if (seen.has(top.tensor)) {
        stack.pop()
        continue
      }
      seen.add(top.tensor)
    }
    if (top.next < top.tensor.inputs.length) {
      const input = top.tensor.inputs[top.next++]
      if (!seen.has(input)) stack.push({ tensor: input, next: 0 })
    } else {
      order.push(top.tensor)
      stack.pop()
    }
  }
  return order
}
