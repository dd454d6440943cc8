import { debug, isAsked } from '../platform/debug.ts'
import { concatInPlace } from './concat-in-place.ts'
import { flattenUpdates } from './flat-updates.ts'
import { fuseActivation, fuseBias, fuseGain, fuseGates, fuseMask, fuseRelu, fuseResidual } from './fuse-epilogues.ts'
import { fuseBlend, fuseExpansion, fuseRecompute, halveForward } from './fuse-prologues.ts'
import { fuseBiasGradient, fuseCrossEntropy, fuseHits, fuseMeans } from './fuse-training.ts'
import { changesSince, stepLabels, whatStaysAlone } from './fusion-report.ts'
import { type Fusion, fusions } from './fusions.ts'
import type { Trace } from './trace.ts'
import { removeDeadSteps, sortSteps } from './trace-steps.ts'

/** Applies the rewrites in `allowed` and drops steps whose results nobody reads. */
export function fuse(trace: Trace, allowed: ReadonlySet<Fusion>): Trace {
  const rewrites: Record<Fusion, (trace: Trace) => void> = {
    gates: fuseGates,
    gain: fuseGain,
    bias: fuseBias,
    residual: fuseResidual,
    relu: fuseRelu,
    mask: fuseMask,
    activation: fuseActivation,
    blend: fuseBlend,
    recompute: fuseRecompute,
    expansion: fuseExpansion,
    half: halveForward,
    crossEntropy: fuseCrossEntropy,
    hits: fuseHits,
    biasGradient: fuseBiasGradient,
    means: fuseMeans,
    flatUpdates: flattenUpdates,
    concatInPlace,
  }
  for (const name of fusions) {
    if (!allowed.has(name)) {
      debug('fuse', () => `${name}: no kernel of this device can do it`)
      continue
    }
    const told = isAsked('fuse') ? stepLabels(trace) : []
    rewrites[name](trace)
    debug('fuse', () => `${name}: ${changesSince(told, trace)}`)
  }
  debug('fuse', () => whatStaysAlone(trace))
  removeDeadSteps(trace)
  trace.steps = sortSteps(trace.steps)
  return trace
}
