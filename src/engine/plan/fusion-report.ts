import { isUnaryName } from '../ops/elementwise.ts'
import { formatShape } from '../tensor.ts'
import { withEpilogue } from './epilogues.ts'
import { inputsOf, type Step, type Trace } from './trace.ts'
import { Uses } from './trace-steps.ts'

/** What fuse.ts did to a trace, and why it left the rest: text for LIMELIGHT_DEBUG=fuse. */

/** A step with its flags and results: what a rewrite changes of it shows. */
function label({ kernel, outputs, attributes }: Step): string {
  const flags = Object.keys(attributes).filter((name) => attributes[name] === true)
  if (typeof attributes.activation === 'string') flags.push(attributes.activation)
  return `${[kernel, ...flags].join('+')} -> ${outputs.map(({ shape }) => formatShape(shape)).join(' ') || 'its state'}`
}

export function stepLabels(trace: Trace): readonly string[] {
  return trace.steps.map(label)
}

/** What became of steps since they had these labels. */
export function changesSince(before: readonly string[], trace: Trace): string {
  const after = stepLabels(trace)
  const gone = without(before, after)
  if (gone.length === 0) return 'nothing to do'
  return `${gone.join(', ')}  became  ${without(after, before).join(', ') || 'nothing'}`
}

/** The labels of `some` but for those that are in `others`, as many of each as there are. */
function without(some: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return some.filter((own) => {
    const at = left.indexOf(own)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

/** Kernels that could have been done while their producer's result is stored, or is loaded by the next; beside activations. */
const small = new Set(['add', 'mul', 'blendBySegments', 'sum'])

/** Why steps that a producer could do by the way stayed steps of their own. */
export function whatStaysAlone(trace: Trace): string {
  const alone = trace.steps.filter(({ kernel }) => small.has(kernel) || isUnaryName(kernel))
  if (alone.length === 0) return 'no small step is left'
  const uses = new Uses(trace)
  return alone.map((step) => `${label(step)} stays: ${reasonsOf(uses, step).join('; ')}`).join('\n')
}

function reasonsOf(uses: Uses, step: Step): string[] {
  const made = inputsOf(step).flatMap(({ root }) => {
    const maker = uses.writerOf(root)
    if (!maker) return []
    if (!withEpilogue.has(maker.kernel)) return [`${maker.kernel} makes what it reads, which takes nothing more`]
    if (!uses.isReadOnce(root)) return [`others read what ${maker.kernel} makes, too`]
    return [`${label(maker)} can't take it: of another shape, or after its last`]
  })
  return made.length > 0 ? made : ['it reads what no step makes']
}
