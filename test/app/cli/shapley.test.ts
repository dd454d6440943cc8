import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectLine, explainFixed, limelight, useFolder } from './command.ts'

const folder = useFolder()

describe('limelight explain --method shapley', () => {
  it('explains by Shapley values, one image and many, in their own words', async () => {
    const shapley = [...explainFixed, '--method', 'shapley', '--segmenter', 'felzenszwalb', '--device', 'cpu']
    const words = [...shapley, '--index', '7270', '--labels', '0']
    const json = async (...more: string[]) => JSON.parse((await limelight(...words, ...more, '--json')).stdout)
    for (const [more, found] of [
      [[], { of: 'probability', samples: 1000, sampling: 'number' }],
      [['--samples', 'exact'], { of: 'probability', samples: 1024, sampling: 'exact' }],
      [['--of', 'logit'], { of: 'logit', samples: 0, sampling: 'exact' }],
    ] as const) {
      const result = await json(...more)
      expect(result).toMatchObject({
        method: 'shapley',
        ...found,
        request: { version: 1, method: 'shapley', of: found.of },
      })
      const { base, sum, weights, ...others } = result.explanation[0]
      expect(Object.keys(others)).toEqual(found.of === 'logit' ? [] : ['score'])
      const added = weights.reduce((total: number, [, weight]: [number, number]) => total + weight, base)
      expect(added).toBeCloseTo(sum, 12)
      if (found.of === 'probability') expect(sum).toBeCloseTo(result.probabilities[0], 6)
    }
    const judged = await limelight(
      ...words,
      '--samples',
      'exact',
      '--stability',
      '3',
      '--faithfulness',
      '--out',
      join(folder, 'shares'),
    )
    expect(judged.code, judged.stderr).toBe(0)
    expect(judged.stdout).toMatch(/10 segments, Shapley values of the probability, all 1,024 mixtures\n/)
    expect(judged.stdout).toMatch(
      /probability 0\.9\d+ = 0\.\d+ with all segments hidden, and [+-]0\.\d+ from the segments/,
    )
    expect(judged.stdout).toMatch(/over 3 random states: the same top features in 100 % of pairs, VSI 100 %; weights/)
    expect(judged.stdout).not.toMatch(/R²|intercept| to [+-]/)
    expect(existsSync(join(folder, 'shares', 'label-0-overlay.svg'))).toBe(true)

    const out = join(folder, 'many-shares')
    const many = await limelight(...shapley, '--indices', '0:3', '--samples', '200', '--out', out)
    expect(many.code, many.stderr).toBe(0)
    expect(many.stdout).not.toMatch(/least certain/)
    const lines = readFileSync(join(out, 'explanations.jsonl'), 'utf8').trimEnd().split('\n')
    const [first] = lines.map((line) => JSON.parse(line))
    const labels = [...new Set([first.predicted, first.label])].join()
    const alone = (await limelight(...shapley, '--index', '0', '--labels', labels, '--samples', '200', '--json')).stdout
    expect(first).toMatchObject({ method: 'shapley', explanation: JSON.parse(alone).explanation })
    const settings = JSON.parse(readFileSync(join(out, 'settings.json'), 'utf8'))
    expect(settings.request).toMatchObject({ version: 1, method: 'shapley', samples: 200, of: 'probability' })
    expect(
      (await limelight(...shapley, '--indices', '0:3', '--samples', '200', '--of', 'probability', '--out', out)).code,
    ).toBe(0)
    expectLine(
      await limelight(
        ...explainFixed,
        '--indices',
        '0:3',
        '--samples',
        '200',
        '--segmenter',
        'felzenszwalb',
        '--out',
        out,
      ),
      2,
      /another run: method was "shapley" and is "lime" now/,
    )
    expectLine(
      await limelight(...words, '--alpha', '1'),
      2,
      /^limelight: --alpha is for the method lime, not for shapley\n$/,
    )
    expectLine(await limelight(...words, '--samples', 'auto'), 2, /^limelight: --samples must be .* or 'exact'/)
    expectLine(await limelight(...words, '--masks', '--json'), 2, /only the method lime keeps the masks/)
  })
})
