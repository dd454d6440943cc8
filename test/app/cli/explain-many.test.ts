import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectLine, explainFixed, limelight, root, useFolder } from './command.ts'
import type { ExplainResult } from './explained.ts'

const folder = useFolder()

describe('limelight explain --indices', () => {
  it('explains many images into a file that a kill does no harm', { timeout: 120_000 }, async () => {
    const out = join(folder, 'many')
    const words = [...explainFixed, '--indices', '5:65', '--out', out, '--segmenter', 'felzenszwalb', '--device', 'cpu']
    const file = join(out, 'explanations.jsonl')
    const linesNow = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0)
    const child = spawn(process.execPath, [join(root, 'dist/cli.js'), ...words], { cwd: root, stdio: 'ignore' })
    const ended = new Promise((resolve) => child.on('close', resolve))
    await expect.poll(linesNow, { timeout: 60_000, interval: 5 }).toBeGreaterThan(5)
    child.kill('SIGKILL')
    await ended
    const before = linesNow()
    expect(before).toBeLessThan(60)
    // What a kill in the middle of a write leaves.
    writeFileSync(file, `${readFileSync(file, 'utf8')}${readFileSync(file, 'utf8').slice(0, 40)}`)
    const again = await limelight(...words)
    expect(again.code, again.stderr).toBe(0)
    expect(again.stderr).toContain(`${before} of 60 images are already in`)
    expect(again.stdout).toMatch(/^60 images, \d+ of them now: .* images a second\n/)
    expect(again.stdout).toMatch(/T-shirt\/top +\d+ +\d\.\d+ +\d+\.\d %/)
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const explanations = lines.map((line) => JSON.parse(line))
    expect(explanations.map(({ index }) => index)).toEqual(Array.from({ length: 60 }, (_, i) => i + 5))
    // Each is what the image gets by itself, for the predicted and the true label.
    const { index, label, predicted, explanation } = explanations[40]
    const labels = [...new Set([predicted, label])]
    const alone: ExplainResult = JSON.parse(
      (
        await limelight(
          ...explainFixed,
          '--index',
          String(index),
          '--labels',
          labels.join(),
          '--segmenter',
          'felzenszwalb',
          '--device',
          'cpu',
          '--json',
        )
      ).stdout,
    )
    expect(explanation).toEqual(alone.explanation)
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))
    expect(summary.images).toBe(60)
    // Nothing is left to do, and other options need another folder.
    expect((await limelight(...words, '--json')).code).toBe(0)
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(60)
    expectLine(
      await limelight(...words, '--samples', '50'),
      2,
      /holds explanations of another run: samples was 1000 and is 50 now/,
    )
    // What is usual may be said or not; the labels that are usual here are not the most probable ones.
    expect((await limelight(...words, '--alpha', '1', '--hide-color', '0', '--json')).code).toBe(2)
    expect((await limelight(...words, '--alpha', '1', '--kernel-width', '0.25', '--num-features', '100000')).code).toBe(
      0,
    )
    expectLine(
      await limelight(...words, '--top-labels', '5'),
      2,
      /another run: labels was "the predicted and the true one" and is not given now, topLabels was not given and is 5 now/,
    )
    expectLine(await limelight(...explainFixed, '--indices', '0:5'), 2, /--indices needs --out/)
    expectLine(await limelight(...explainFixed, '--indices', '5:5', '--out', out), 2, /expected first:end/)
  })
})
