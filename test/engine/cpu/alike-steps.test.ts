import { expect, it, vi } from 'vitest'
import { dense, openDevice, sequential } from '../../../src/engine/index.ts'
import { numbers } from '../device-suite.ts'

/** Bytes of the code for a stack of so many equal layers, and what it predicts on the cpu and by the reference. */
async function stackOf(layers: number) {
  const compile = vi.spyOn(WebAssembly, 'compile')
  const model = sequential(
    { inputShape: [32], seed: 3 },
    new Array(layers).fill(dense({ units: 32, activation: 'tanh' })),
  )
  const answers: number[][] = []
  for (const kind of ['cpu', 'reference'] as const) {
    const device = await openDevice(kind, kind === 'cpu' ? { threads: 1 } : {})
    await model.compile({ device })
    answers.push([...(await model.predict({ data: numbers([4, 32]), shape: [4, 32] })).data])
    device.dispose()
  }
  const bytes = compile.mock.calls.reduce((sum, [code]) => sum + code.byteLength, 0)
  compile.mockRestore()
  return { bytes, answers }
}

it('steps that differ in their addresses alone have their code once, and compute what each would', async () => {
  const [few, many] = [await stackOf(4), await stackOf(24)]
  const [cpu, reference] = many.answers
  cpu.forEach((value, i) => {
    expect(value).toBeCloseTo(reference[i], 4)
  })
  // A call with its addresses is some 60 bytes, and the code of a layer and its packing some thousand.
  expect((many.bytes - few.bytes) / 20).toBeLessThan(250)
})
