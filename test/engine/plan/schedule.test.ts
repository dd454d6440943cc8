import { describe, expect, it, vi } from 'vitest'
import { schedule } from '../../../src/engine/plan/schedule.ts'
import { inputsOf, type Step, Value } from '../../../src/engine/plan/trace.ts'
import { byteLengthOf } from '../../../src/engine/tensor.ts'

const stepOf = (inputs: readonly Value[], size: number): Step => ({
  kernel: 'any',
  inputs: Object.fromEntries(inputs.map((value, i) => [`input${i}`, value])),
  outputs: [new Value([size], 'f32')],
  states: [],
  attributes: {},
  flops: 0,
})

/** Steps that read one to three of what was made before them. */
function randomSteps(seed: number): Step[] {
  let state = seed
  const below = (end: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * end)
  }
  const values = [new Value([3], 'f32')]
  return Array.from({ length: 2 + below(30) }, () => {
    const inputs = Array.from({ length: 1 + below(3) }, () => values[below(values.length)])
    const step = stepOf(inputs, 1 + below(5))
    values.push(...step.outputs)
    return step
  })
}

const chain = (length: number): Step[] => {
  const steps = [stepOf([new Value([3], 'f32')], 1)]
  while (steps.length < length) steps.push(stepOf(steps[steps.length - 1].outputs, 1 + (steps.length % 7)))
  return steps
}

/** Bytes that are made, and that end: counted anew for the order so far. */
function costOf(step: Step, before: readonly Step[], all: readonly Step[]): { made: number; growth: number } {
  const others = all.filter((other) => other !== step && !before.includes(other))
  const made = step.outputs.reduce((bytes, output) => bytes + byteLengthOf(output), 0)
  const ended = [...new Set(inputsOf(step))]
    .filter((input) => all.some(({ outputs }) => outputs.includes(input)))
    .filter((input) => !others.some((other) => inputsOf(other).includes(input)))
    .reduce((bytes, input) => bytes + byteLengthOf(input), 0)
  return { made, growth: made - ended }
}

describe('the order of steps', () => {
  it('is the given one, or takes of all that are ready the one that adds least', () => {
    let moved = 0
    for (let seed = 1; seed <= 200; seed++) {
      const steps = randomSteps(seed)
      const isMade = new Set(steps.flatMap(({ outputs }) => outputs))
      // What every run is given is nobody's to free, and its bytes are not the arena's.
      const ordered = schedule(steps, (root) => !isMade.has(root))
      if (ordered.every((step, i) => step === steps[i])) continue
      moved++
      for (const [position, step] of ordered.entries()) {
        const before = ordered.slice(0, position)
        const written = new Set(before.flatMap(({ outputs }) => outputs))
        const isReady = (other: Step) =>
          !before.includes(other) && inputsOf(other).every((input) => written.has(input) || !isMade.has(input))
        expect(isReady(step)).toBe(true)
        const costs = steps.filter(isReady).map((other) => ({ other, ...costOf(other, before, steps) }))
        const [least] = costs.toSorted((a, b) => a.growth - b.growth || a.made - b.made)
        expect(step).toBe(least.other)
      }
    }
    expect(moved).toBeGreaterThan(50)
  })

  it('costs twice as much for twice as many steps', () => {
    const work = (length: number) => {
      const steps = chain(length)
      const roots = vi.spyOn(Value.prototype, 'root', 'get')
      schedule(steps, () => false)
      const count = roots.mock.calls.length
      roots.mockRestore()
      return count
    }
    expect(work(400) / work(200)).toBeLessThan(2.1)
  })

  it('does not exist where steps wait for one another', () => {
    const [first, second] = chain(2)
    first.inputs = { x: second.outputs[0] }
    expect(() => schedule([first, second], () => false)).toThrow('in a circle')
  })
})
