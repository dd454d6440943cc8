import { readFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readReference } from '../../reference-files.ts'
import { tensorOf } from '../../reference-tensors.ts'
import { limelight, model, useFolder } from './command.ts'
import type { ExplainResult } from './explained.ts'

const folder = useFolder()

describe('limelight tutorial', () => {
  it('walks through the tutorial: pictures, report and results', { timeout: 300_000 }, async () => {
    const out = join(folder, 'tutorial')
    await mkdir(out)
    const { code, stdout } = await limelight('tutorial', '--model', model, '--device', 'cpu', '--out', out)
    expect(code).toBe(0)
    const files = (await readdir(out)).sort()
    expect(stdout.trim().split('\n').sort()).toEqual(files.map((file) => join(out, file)))
    const results = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'))
    expect(results.evaluation.accuracy).toBe(0.9117)
    expect(results.explanations.map(({ index, predicted, label }: ExplainResult) => [index, predicted, label])).toEqual(
      [
        [7270, 0, 0],
        [7270, 0, 0],
        [1165, 2, 6],
      ],
    )
    // The second and the third call on the same explainer, as the tutorial makes them.
    for (const [i, name] of [
      [1, 'sequence-2nd'],
      [2, 'sequence-3rd'],
    ] as const) {
      const recorded = readReference(`lime-tutorial-${name}.safetensors`)
      const { predicted, explanation } = results.explanations[i]
      const weights = new Map<number, number>(explanation[predicted].weights)
      const features = Array.from(tensorOf(recorded, `exp/${predicted}/features`).data)
      const expected = tensorOf(recorded, `exp/${predicted}/weights`).data
      features.forEach((feature, k) => expect(Math.abs((weights.get(feature) ?? 1) - expected[k])).toBeLessThan(2e-5))
    }
    const report = readFileSync(join(out, 'report.html'), 'utf8')
    for (const picture of results.explanations.flatMap(({ pictures }: { pictures: string[] }) => pictures))
      expect(report).toContain(readFileSync(join(out, picture)).toString('base64'))
    expect(report).not.toMatch(/(src|href)="(?!data:)/)
  })
})
