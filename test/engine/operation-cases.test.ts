import { expect, it } from 'vitest'
import { operations } from '../../src/engine/ops/registry.ts'
import { fusedAttributes } from '../../src/engine/plan/fusions.ts'
import { trace } from '../../src/engine/plan/trace.ts'
import { caseGraph, operationCases } from './operation-cases.ts'

it('each operation has a case: its values and, where it has one, its gradient are tried on every device', () => {
  const traced = operationCases.flatMap((problem) => trace(caseGraph(problem).graph).steps)
  const tried = new Set(traced.map(({ kernel }) => kernel))
  expect([...operations.keys()].filter((name) => !tried.has(name))).toEqual([])
})

it('each operation names all of its inputs, each once', () => {
  for (const problem of operationCases)
    for (const { kernel, inputs } of trace(caseGraph(problem).graph).steps) {
      const names = operations.get(kernel)?.inputNames ?? []
      const given = Object.keys(inputs)
      if (names.some((name) => name.startsWith('...')))
        expect(given.length, kernel).toBeGreaterThanOrEqual(names.length)
      else expect(given, kernel).toEqual(names)
    }
})

it('no operation has an attribute that means a fusion', () => {
  for (const problem of operationCases)
    for (const { kernel, attributes } of trace(caseGraph(problem).graph).steps)
      expect(
        fusedAttributes.filter((flag) => flag in attributes),
        kernel,
      ).toEqual([])
})

it('each operation is registered by its own name', () => {
  for (const [name, operation] of operations) expect(operation.name).toBe(name)
})
