import type { Measurement } from '../device.ts'
import type { Plan, PlanStep } from '../plan/plan.ts'
import type { Trial } from '../step-trials.ts'
import type { AdapterTraits } from './dispatch.ts'
import { candidatesOf, stepName } from './lowering.ts'

/**
 * What tuning and profiling measure: tuning runs steps that there are several candidates for by each of them, profiling all
 * steps by the candidate that programs take. step-trials.ts says how.
 */

/** All candidates of all different steps that have several. */
export function tuningTrials(plans: readonly Plan[], adapter: AdapterTraits): Trial[] {
  return differentSteps(plans).flatMap((step) => {
    const candidates = candidatesOf(step, adapter)
    return candidates.length > 1 ? candidates.map(({ name }) => ({ step, name: stepName(step), candidate: name })) : []
  })
}

/** All different steps, by what was chosen for them or else their first candidate. */
export function profilingTrials(
  plans: readonly Plan[],
  adapter: AdapterTraits,
  choices: ReadonlyMap<string, string>,
): Trial[] {
  return differentSteps(plans).map((step) => {
    const candidates = candidatesOf(step, adapter)
    const chosen = candidates.find(({ name }) => name === choices.get(stepName(step))) ?? candidates.at(0)
    return { step, name: stepName(step), candidate: chosen?.name ?? '' }
  })
}

function differentSteps(plans: readonly Plan[]): PlanStep[] {
  const steps = plans.flatMap((plan) => plan.steps)
  return [...new Map(steps.map((step) => [stepName(step), step])).values()]
}

/** The best of each step, if any ran at all. */
export function fastest(measurements: readonly Measurement[]): Measurement[] {
  const best = new Map<string, Measurement>()
  for (const measurement of measurements) {
    const known = best.get(measurement.step)
    if (Number.isFinite(measurement.milliseconds) && !(known && known.milliseconds <= measurement.milliseconds))
      best.set(measurement.step, measurement)
  }
  return [...best.values()]
}
