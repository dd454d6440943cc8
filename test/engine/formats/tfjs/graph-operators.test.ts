import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { loadModel, openDevice } from '../../../../src/engine/index.ts'
import { sizeOf } from '../../../../src/engine/tensor.ts'
import { type GraphCase, graphCases, graphModel, numbers } from './graph-cases.ts'

const answers: Readonly<Record<string, { shape: number[]; data: number[] }>> = JSON.parse(
  readFileSync(new URL('graph-cases.json', import.meta.url), 'utf8'),
)
const devices = { reference: await openDevice('reference'), cpu: await openDevice('cpu', { threads: 1 }) }
afterAll(() => Object.values(devices).forEach((device) => device.dispose()))

function filesOf(graphCase: GraphCase): Map<string, Uint8Array> {
  const { json, weights } = graphModel(graphCase)
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(json))],
    ['weights', weights],
  ])
}

describe('each operator of a graph gives what TensorFlow.js 4.22 answers', () => {
  it.each(graphCases.map((graphCase) => [graphCase.name, graphCase] as const))('%s', async (name, graphCase) => {
    const model = await loadModel(filesOf(graphCase))
    const { shape, data } = answers[name]
    const x = { shape: graphCase.x, data: Float32Array.from(numbers(sizeOf(graphCase.x), 0)) }
    for (const device of Object.values(devices)) {
      await model.compile({ device })
      const found = await model.predict(x)
      expect([graphCase.x[0], ...model.outputShape]).toEqual(shape)
      expect(found.data).toHaveLength(data.length)
      const largest = Math.max(...data.map(Math.abs), 1)
      data.forEach((expected, i) => expect(Math.abs(found.data[i] - expected) / largest).toBeLessThan(2e-6))
    }
  })
})
