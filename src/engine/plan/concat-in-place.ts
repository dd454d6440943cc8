import { alignment, byteLengthOf, sizeOf } from '../tensor.ts'
import { inputsOf, type Step, type Trace, Value } from './trace.ts'
import { removeDeadSteps, sortSteps, Uses } from './trace-steps.ts'

/**
 * Concatenations without a step: each part is written where it belongs in the result. That can be where the parts lie one behind
 * the other in memory, along the outermost axis, and begin where operands may. A part that must stay where it is (an input, what
 * others read, too) is copied; where that would be all of them, or parts lie in strips, along channels say, the step stays.
 */
export function concatInPlace(trace: Trace): void {
  removeDeadSteps(trace)
  const uses = new Uses(trace)
  const done = new Set<Step>()
  const copies: Step[] = []
  // The last first: what is itself a part is in its place before its own parts are.
  for (const step of trace.steps.toReversed()) {
    if (step.kernel !== 'concat') continue
    const [result] = step.outputs
    const parts = placesOf(step)
    const movable = parts.filter(({ part }) => isMovable(part, step, uses))
    if (movable.length === 0 || parts.some(({ offset }) => offset % alignment !== 0)) continue
    for (const place of parts) {
      const view = { of: result, offset: place.offset }
      if (movable.includes(place)) place.part.root.view = view
      else copies.push(copyTo(view, place.part))
    }
    done.add(step)
  }
  trace.steps = sortSteps([...trace.steps.filter((step) => !done.has(step)), ...copies])
}

interface PartPlace {
  readonly part: Value
  /** Bytes from the result's first. */
  readonly offset: number
}

/** Where the parts lie in the result; none where a part is not one piece of it. */
function placesOf(step: Step): PartPlace[] {
  const [result] = step.outputs
  if (sizeOf(result.shape.slice(0, Number(step.attributes.axis))) !== 1) return []
  let offset = 0
  return inputsOf(step).flatMap((part) => {
    const place = { part, offset }
    offset += byteLengthOf(part)
    return sizeOf(part.shape) > 0 ? [place] : []
  })
}

/** Whether one step writes a part, all of what it writes is that part, and nothing but the concatenation reads it, once. */
function isMovable(part: Value, step: Step, uses: Uses): boolean {
  const { root } = part
  return (
    uses.writerOf(root) !== undefined &&
    uses.isReadOnce(root) &&
    byteLengthOf(root) === byteLengthOf(part) &&
    inputsOf(step).filter((other) => other.root === root).length === 1
  )
}

function copyTo(view: NonNullable<Value['view']>, part: Value): Step {
  const copy = new Value(part.shape, part.dtype)
  copy.view = view
  const attributes = { shape: part.shape }
  return { kernel: 'broadcast', inputs: { x: part }, outputs: [copy], states: [], attributes, flops: 0 }
}
