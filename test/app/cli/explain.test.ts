import { readFileSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import { encodePng } from '../../../src/app/pictures/encode-png.ts'
import { loadFashionMnist } from '../../../src/app/tasks/fashion-mnist/store.ts'
import { readReference } from '../../reference-files.ts'
import { tensorOf } from '../../reference-tensors.ts'
import { explainFixed, limelight, useFolder } from './command.ts'
import { type ExplainResult, expectRecorded } from './explained.ts'

const folder = useFolder()

describe('limelight explain', () => {
  it('prints the numbers of Python lime on cpu', async () => {
    const { code, stdout } = await limelight(
      ...explainFixed,
      '--index',
      '7270',
      '--segmenter',
      'felzenszwalb',
      '--device',
      'cpu',
      '--json',
      '--masks',
    )
    expect(code).toBe(0)
    const result: ExplainResult = JSON.parse(stdout)
    expect(result).toMatchObject({ index: 7270, label: 0, predicted: 0, device: { name: 'cpu' } })
    expectRecorded(result, 2e-5)
    const recorded = readReference('lime-tutorial-true-felzenszwalb.safetensors')
    expect(result.masks?.flat()).toEqual(Array.from(tensorOf(recorded, 'data').data))
    expect(Object.keys(result.timings).sort()).toEqual(['fit', 'prediction', 'segmentation', 'total'])
  })

  it('prints the numbers of Python lime on webgpu, in Node', { timeout: 300_000 }, async () => {
    const { code, stdout, stderr } = await limelight(
      ...explainFixed,
      '--index',
      '7270',
      '--segmenter',
      'felzenszwalb',
      '--device',
      'webgpu',
      '--json',
    )
    // Dawn remarks on the limits of some drivers: its log has no level, goes to stderr only, and no toggle leaves it out.
    expect(stderr.replace(/^Warning: max\w+ artificially reduced .*\n/gm, '')).toBe('')
    expect(code).toBe(0)
    const result: ExplainResult = JSON.parse(stdout)
    expect(result.device.name).toBe('webgpu')
    expectRecorded(result, 1e-4)
  })

  it('takes all mixtures, says how far to trust the weights, and how true they are', async () => {
    const words = ['--index', '7270', '--segmenter', 'felzenszwalb', '--device', 'cpu', '--top-labels', '1']
    const judged = ['--samples', 'exact', '--stability', '3', '--faithfulness']
    const { code, stdout, stderr } = await limelight(...explainFixed, ...words, ...judged, '--json')
    expect(code, stderr).toBe(0)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ samples: 1024, sampling: 'exact', alpha: 0 })
    const ridge = JSON.parse(
      (await limelight(...explainFixed, ...words, '--samples', 'exact', '--alpha', '100', '--json')).stdout,
    )
    expect(ridge.alpha).toBe(100)
    expect(Math.abs(ridge.explanation[0].weights[0][1])).toBeLessThan(
      0.9 * Math.abs(result.explanation[0].weights[0][1]),
    )
    expect(ridge.warnings.join()).toMatch(/penalty of the ridge \(alpha 100\)/)
    const { weights, intervals, stability, faithfulness } = result.explanation[0]
    expect(intervals).toEqual(weights.map(([, weight]: [number, number]) => [weight, weight]))
    expect(stability).toMatchObject({ runs: 3, sameTop: 1, spread: 0 })
    expect(faithfulness.deletion.curve).toHaveLength(11)
    const text = (await limelight(...explainFixed, ...words, ...judged)).stdout
    expect(text).toMatch(/10 segments, all 1,024 mixtures/)
    expect(text).toMatch(/over 3 random states: the same top features in 100 %/)
    expect(text).toMatch(/hiding segments in this order: area 0\.\d+/)
    const sampled = (await limelight(...explainFixed, ...words)).stdout
    expect(sampled).toMatch(/segment {3}\d {2}[+-]0\.\d+ +[+-]0\.\d+ to [+-]0\.\d+ +[+-]+/)
    const auto = (await limelight(...explainFixed, ...words, '--samples', 'auto', '--json')).stdout
    expect(JSON.parse(auto).settled).toBe(true)
  })

  it('computes every sample by itself if asked, with the same answers', async () => {
    const words = [...explainFixed, '--index', '7270', '--segmenter', 'felzenszwalb', '--device', 'cpu', '--json']
    const shared: ExplainResult = JSON.parse((await limelight(...words)).stdout)
    const single: ExplainResult = JSON.parse((await limelight(...words, '--no-factored')).stdout)
    single.probabilities.forEach((probability, i) => {
      expect(Math.abs(shared.probabilities[i] - probability)).toBeLessThan(5e-6)
    })
    for (const label of Object.keys(single.explanation))
      expect(shared.explanation[label].weights.map(([segment]) => segment)).toEqual(
        single.explanation[label].weights.map(([segment]) => segment),
      )
  })

  it('explains a PNG like the same image of the test set, and writes its pictures', async () => {
    const test = await loadFashionMnist('test')
    const data = Float64Array.from(test.images.subarray(18 * 784, 19 * 784), (value) => value / 255)
    const file = join(folder, 'sandal.png')
    writeFileSync(file, encodePng({ data, height: 28, width: 28, channels: 1 }))
    const options = ['--samples', '50', '--top-labels', '2', '--device', 'cpu', '--json']
    const [byFile, byIndex] = [
      await limelight(...explainFixed, '--image', file, ...options, '--out', join(folder, 'pictures')),
      await limelight(...explainFixed, '--index', '18', ...options),
    ]
    expect(byFile.code).toBe(0)
    const [fromFile, fromIndex]: ExplainResult[] = [JSON.parse(byFile.stdout), JSON.parse(byIndex.stdout)]
    expect(fromFile.explanation).toEqual(fromIndex.explanation)
    expect(fromFile.index).toBeUndefined()
    const labels = Object.keys(fromFile.explanation)
    expect((await readdir(join(folder, 'pictures'))).sort()).toEqual(
      [
        'boundaries.png',
        'explanation.json',
        ...labels.flatMap((label) =>
          ['negative.png', 'positive.png', 'heatmap.png', 'heatmap.svg', 'overlay.png', 'overlay.svg'].map(
            (name) => `label-${label}-${name}`,
          ),
        ),
      ].sort(),
    )
    const picture = await decodePicture(readFileSync(join(folder, 'pictures', `label-${labels[0]}-positive.png`)))
    expect(picture.width).toBeGreaterThan(4 * 280)
  })

  it('takes segmenter parameters by their names in scikit-image', async () => {
    const words = ['--index', '7270', '--samples', '20', '--device', 'cpu', '--json', '--segmenter', 'quickshift']
    const parameters = ['kernel_size=1', 'max_dist=3', 'ratio=0.5'].flatMap((pair) => ['--segmenter-param', pair])
    const { stdout } = await limelight(...explainFixed, ...words, ...parameters)
    expect(JSON.parse(stdout).segments.count).toBe(67)
  })
})
