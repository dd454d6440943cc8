import { activationOf } from '../plan/epilogues.ts'
import type { PlanStep } from '../plan/plan.ts'
import { type Binding, loadRows } from './dispatch.ts'
import { unaryFunctions } from './kernels/elementwise.ts'

/**
 * What fuse-epilogues.ts put after a sum: `fn epilogue(row, group, sum)`. Kernels that have several sums of one group load what these have
 * in common once, `ends_of(group)`, and then call `finish(row, group, sum, ends)`.
 */
export function epilogueOf(step: PlanStep, width: number): { bindings: Binding[]; functions: string[] } {
  const mask = step.attributes.mask ? loadRows('mask', step.inputs.mask, width) : null
  const gain = step.attributes.gain ? loadRows('gain', step.inputs.gain, width) : null
  const bias = step.attributes.bias ? loadRows('bias', step.inputs.bias, width) : null
  const activation = activationOf(step.attributes)
  const residual = step.attributes.residual ? loadRows('residual', step.inputs.residual, width) : null
  const lines = [
    gain ? 'result *= ends.gain;' : '',
    bias ? 'result += ends.bias;' : '',
    residual ? 'result += load_residual4(row, group);' : '',
    step.attributes.relu ? 'result = select(vec4f(0.0), result, result > vec4f(0.0));' : '',
    activation ? 'result = vec4f(activate(result.x), activate(result.y), activate(result.z), activate(result.w));' : '',
    mask ? 'result = select(vec4f(0.0), result, load_mask4(row, group) > vec4f(0.0));' : '',
  ]
  const parts = [gain, bias, residual, mask].filter((part) => part !== null)
  return {
    bindings: parts.map(({ binding }) => binding),
    functions: [
      ...parts.map(({ functions }) => functions),
      ...(activation ? unaryFunctions('activate', activation.name, activation.parameters) : []),
      `struct Ends { gain: vec4f, bias: vec4f }
fn ends_of(group: u32) -> Ends { return Ends(${gain ? 'load_gain4(0u, group)' : 'vec4f()'}, ${bias ? 'load_bias4(0u, group)' : 'vec4f()'}); }
fn epilogue(row: u32, group: u32, sum: vec4f) -> vec4f { return finish(row, group, sum, ends_of(group)); }
fn finish(row: u32, group: u32, sum: vec4f, ends: Ends) -> vec4f {
  var result = sum;
  ${lines.filter((line) => line !== '').join('\n  ')}
  return result;
}`,
    ],
  }
}
