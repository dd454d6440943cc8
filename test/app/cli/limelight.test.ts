import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { interruptSignal } from '../../../src/app/cli/terminal.ts'
import { decodePng, encodePng } from '../../../src/app/data/png.ts'
import { loadFashionMnist } from '../../../src/app/tasks/fashion-mnist/store.ts'
import { Sequential } from '../../../src/engine/facade/sequential.ts'
import { parseSafetensors } from '../../../src/engine/formats/safetensors.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { activation, conv2d, dense, flatten, type LayerDescription } from '../../../src/engine/model/layers/public.ts'
import { readReference } from '../../reference-files.ts'
import { tensorOf } from '../../reference-tensors.ts'
import { limelight, type Outcome, root } from './command.ts'

const model = join(root, 'test/reference/model.safetensors')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limelight-cli-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const explainFixed = ['explain', '--model', model, '--random-state', '123', '--random-seed', '123']

interface ExplainResult {
  readonly index?: number
  readonly label?: number
  readonly predicted: number
  readonly probabilities: number[]
  readonly device: { readonly name: string; readonly adapter: string }
  readonly segments: { readonly count: number; readonly map: number[][] }
  readonly masks?: number[][]
  readonly explanation: Record<
    string,
    { intercept: number; score: number; localPrediction: number; weights: [number, number][] }
  >
  readonly timings: Record<string, number>
}

const expectLine = ({ code, stdout, stderr }: Outcome, expectedCode: number, pattern: RegExp) => {
  expect(stdout).toBe('')
  expect(stderr).toMatch(pattern)
  expect(stderr).not.toMatch(/\n\s+at /)
  expect(code).toBe(expectedCode)
}

/** The recorded explanation of image 7270 with felzenszwalb, against what the command printed. */
function expectRecorded(result: ExplainResult, tolerance: number): void {
  const recorded = readReference('lime-tutorial-true-felzenszwalb.safetensors')
  expect(result.segments.map.flat()).toEqual(Array.from(tensorOf(recorded, 'segments').data))
  const labels: number[] = JSON.parse(recorded.metadata.explained_labels)
  expect(Object.keys(result.explanation).map(Number).sort()).toEqual([...labels].sort())
  for (const label of labels) {
    const { weights, intercept, score, localPrediction } = result.explanation[label]
    const actual = new Map(weights)
    const features = Array.from(tensorOf(recorded, `exp/${label}/features`).data)
    const recordedWeights = tensorOf(recorded, `exp/${label}/weights`).data
    expect(actual.size).toBe(features.length)
    features.forEach((feature, i) => {
      expect(Math.abs((actual.get(feature) ?? Number.NaN) - recordedWeights[i])).toBeLessThan(tolerance)
    })
    expect(Math.abs(intercept - tensorOf(recorded, `exp/${label}/intercept`).data[0])).toBeLessThan(tolerance)
    expect(Math.abs(localPrediction - tensorOf(recorded, `exp/${label}/local_pred`).data[0])).toBeLessThan(tolerance)
    // R² is a ratio: where the probability itself is all but 0, float32 has no digits left to compare.
    if (result.probabilities[label] > 1e-3)
      expect(Math.abs(score - tensorOf(recorded, `exp/${label}/score`).data[0])).toBeLessThan(1e-3)
  }
}

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

  it('tunes: measures the ways to run a model on the adapter and says which is fastest', {
    timeout: 300_000,
  }, async () => {
    const small = join(folder, 'small.safetensors')
    const layers = [conv2d({ filters: 8, kernelSize: 2 }), flatten(), dense({ units: 2 }), activation('softmax')]
    writeFileSync(small, modelToBytes(new Sequential({ inputShape: [4, 4, 1] }, layers)))
    const table = await limelight('tune', '--model', small, '--batch-size', '2')
    expect(table.code, table.stderr).toBe(0)
    expect(table.stderr).toMatch(/Adapter: \S/)
    // One candidate of each step is marked.
    const steps = table.stdout.trim().split('\n\n')
    expect(steps.map((step) => step.split(' ')[0])).toContain('conv2dKernelGradient')
    for (const step of steps) expect(step.match(/^ {2}\* .* ms .* GFLOP\/s/gm)).toHaveLength(1)
    const { device, measurements } = JSON.parse(
      (await limelight('tune', '--model', small, '--batch-size', '2', '--json')).stdout,
    )
    expect(device.name).toBe('webgpu')
    expect(measurements.length).toBeGreaterThan(steps.length)
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
    const picture = await decodePng(readFileSync(join(folder, 'pictures', `label-${labels[0]}-positive.png`)))
    expect(picture.width).toBeGreaterThan(4 * 280)
  })

  it('takes segmenter parameters by their names in scikit-image', async () => {
    const words = ['--index', '7270', '--samples', '20', '--device', 'cpu', '--json', '--segmenter', 'quickshift']
    const parameters = ['kernel_size=1', 'max_dist=3', 'ratio=0.5'].flatMap((pair) => ['--segmenter-param', pair])
    const { stdout } = await limelight(...explainFixed, ...words, ...parameters)
    expect(JSON.parse(stdout).segments.count).toBe(67)
  })
})

describe('limelight says what is wrong in one line, without a stack trace', () => {
  const explain = (...words: string[]) => limelight(...explainFixed, '--device', 'cpu', ...words)

  it('a missing model', async () => {
    const outcome = await limelight('explain', '--model', join(folder, 'none'), '--index', '1')
    expectLine(outcome, 1, /none: there is no such file\n$/)
  })

  it('a missing image', async () => {
    expectLine(await explain('--image', join(folder, 'none.png')), 1, /none\.png: there is no such file\n$/)
  })

  it('an index out of range', async () => {
    expectLine(await explain('--index', '10000'), 2, /--index 10000: the test set has the images 0 to 9999\n$/)
    expectLine(await explain('--index', '-1'), 2, /expected a whole number/)
  })

  it('an unknown segmenter, parameter, metric, feature selection or device', async () => {
    expectLine(
      await explain('--index', '1', '--segmenter', 'waterfall'),
      2,
      /valid are quickshift, felzenszwalb, grid, slic, watershed\n$/,
    )
    expectLine(
      await explain('--index', '1', '--segmenter', 'slic', '--segmenter-param', 'size=3'),
      2,
      /no parameter "size"/,
    )
    expectLine(await explain('--index', '1', '--distance-metric', 'haversine'), 2, /valid are .*cosine/)
    expectLine(await explain('--index', '1', '--feature-selection', 'best'), 2, /valid are .*auto/)
    expectLine(await explain('--index', '1', '--samples', 'many'), 2, /at least 1, 'exact' or 'auto'/)
    expectLine(await explain('--index', '1', '--hide-color', 'fog'), 2, /a number, r,g,b, 'mean' or 'blur'/)
    expectLine(await explain('--index', '1', '--device', 'tpu'), 2, /webgpu, cpu, reference/)
  })

  it('a label that the model does not have', async () => {
    expectLine(await explain('--index', '1', '--labels', '12', '--samples', '10'), 2, /label 12 .*0 to 9\n$/)
  })

  it('an image of another size', async () => {
    const file = join(folder, 'large.png')
    writeFileSync(file, encodePng({ data: new Float64Array(32 * 30), height: 32, width: 30, channels: 1 }))
    expectLine(await explain('--image', file), 1, /images of shape \[28, 28, 1\], the image is \[32, 30, 1\]\n$/)
  })

  it('a corrupt model and a corrupt image', async () => {
    const whole = readFileSync(model)
    for (const [name, bytes] of [
      ['truncated', whole.subarray(0, 5000)],
      ['noise', Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 7919) % 251))],
      ['empty', Buffer.alloc(0)],
    ] as const) {
      const file = join(folder, name)
      writeFileSync(file, bytes)
      expectLine(await limelight('explain', '--model', file, '--index', '1'), 1, new RegExp(`${name}: `))
      expectLine(await explain('--image', file), 1, /PNG/)
    }
  })

  it('wrong usage', async () => {
    expectLine(await limelight('explain', '--index', '1'), 2, /required option '--model <file>'/)
    expectLine(await explain(), 2, /--index N.*--image/)
    expectLine(await limelight('paint'), 2, /unknown command 'paint'/)
    expectLine(await limelight('train', '--epochs', '0', '--save', join(folder, 'x')), 2, /whole number of at least 1/)
  })

  it('an empty path or name', async () => {
    expectLine(await limelight('train', '--save', ''), 2, /'--save <file>' .* expected a path/)
    expectLine(await limelight('evaluate', '--model', ''), 2, /'--model <file>' .* expected a path/)
    expectLine(await limelight('tutorial', '--out', ''), 2, /'--out <folder>' .* expected a path/)
    expectLine(await explain('--index', '1', '--out', ''), 2, /'--out <folder>' .* expected a path/)
    expectLine(await explain('--image', ''), 2, /'--image <file>' .* expected a path/)
    expectLine(await explain('--index', '1', '--segmenter', ''), 2, /'--segmenter <name>' .* expected a name/)
  })

  it('a folder in place of a file', async () => {
    const line = /limelight-cli-\w+: this is a folder, not a file\n$/
    expectLine(await limelight('evaluate', '--model', folder), 1, line)
    expectLine(await explain('--image', folder), 1, line)
  })

  it('a folder for the pictures that can not be written to, before anything is explained', async () => {
    const file = join(folder, 'in-the-way')
    writeFileSync(file, '')
    expectLine(await explain('--index', '1', '--out', join(file, 'out')), 1, /^limelight: can't write .*\n$/)
  })

  it('options of training beside a trained model', async () => {
    for (const option of ['--seed', '--limit', '--epochs']) {
      const outcome = await limelight('tutorial', '--model', model, option, '3', '--out', join(folder, 'unused'))
      expectLine(outcome, 2, new RegExp(`'${option} <n>' cannot be used with option '--model <file>'`))
    }
  })

  it('a model to evaluate that does not tell the ten classes apart', async () => {
    const expectRefused = async (layers: LayerDescription[], pattern: RegExp) => {
      const file = join(folder, 'other.safetensors')
      writeFileSync(file, modelToBytes(new Sequential({ inputShape: [28, 28, 1] }, layers)))
      expectLine(await limelight('evaluate', '--model', file, '--device', 'cpu'), 1, pattern)
    }
    const softmax = activation('softmax')
    await expectRefused([flatten(), dense({ units: 12 }), softmax], /ends in \[12\].* expected a softmax over the 10/)
    await expectRefused([flatten(), dense({ units: 10 })], /no activation; expected a softmax over the 10/)
  })

  it('a result that the disk has no room for', { skip: !existsSync('/dev/full') }, async () => {
    const full = openSync('/dev/full', 'w')
    const { code, stderr } = await new Promise<Omit<Outcome, 'stdout'>>((resolve) => {
      const words = [join(root, 'dist/cli.js'), '--version']
      const child = spawn(process.execPath, words, { stdio: ['ignore', full, 'pipe'] })
      let stderr = ''
      child.stderr?.on('data', (part) => {
        stderr += part
      })
      child.on('close', (code) => resolve({ code, stderr }))
    })
    closeSync(full)
    expectLine({ code, stdout: '', stderr }, 1, /^limelight: can't write the result: ENOSPC.*\n$/)
  })

  it('a working folder that is gone', { skip: process.platform === 'win32' }, async () => {
    const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$1" data'
    const words = ['-c', script, process.execPath, join(root, 'dist/cli.js')]
    const outcome = await new Promise<Outcome>((resolve) => {
      const child = spawn('sh', words, { cwd: folder, env: { ...process.env, LIMELIGHT_DATA: 'relative' } })
      let stderr = ''
      child.stderr.on('data', (part) => {
        stderr += part
      })
      child.on('close', (code) => resolve({ code, stdout: '', stderr }))
    })
    expectLine(outcome, 1, /^limelight: the current folder no longer exists/m)
  })

  it('a model that can not be saved where it should', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const words = [
      'train',
      '--limit',
      '16',
      '--epochs',
      '1',
      '--batch-size',
      '16',
      '--device',
      'cpu',
      '--save',
      join(file, 'model'),
    ]
    // Before anything is trained.
    expectLine(await limelight(...words), 1, /^limelight: can't write .*\n$/)
  })
})

/** The exit code of a command whose stdout and stderr are pipes that nobody reads any more. */
function withClosedPipes(...words: string[]): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'dist/cli.js'), ...words], { cwd: root })
    child.stdout.destroy()
    child.stderr.destroy()
    child.on('exit', resolve)
  })
}

describe('limelight goes on when nobody reads its output', () => {
  it('training saves its model', { timeout: 300_000 }, async () => {
    const file = join(folder, 'unwatched.safetensors')
    const words = ['--limit', '64', '--epochs', '1', '--device', 'cpu', '--save', file]
    expect(await withClosedPipes('train', ...words)).toBe(0)
    expect(parseSafetensors(readFileSync(file)).metadata.epochs).toBe('1')
  })

  it('explain writes its pictures', async () => {
    const out = join(folder, 'unwatched')
    const words = ['--index', '1', '--samples', '20', '--top-labels', '1', '--device', 'cpu', '--json', '--out', out]
    expect(await withClosedPipes(...explainFixed, ...words)).toBe(0)
    expect(await readdir(out)).toHaveLength(8)
  })
})

describe('limelight, interrupted', () => {
  /** Ends a command by a signal as soon as it says `signs`. Its standard output is not read. */
  const interrupted = (signal: 'SIGINT' | 'SIGTERM', signs: RegExp, ...words: string[]) =>
    new Promise<Omit<Outcome, 'stdout'> & { readonly endedBy: string | null }>((resolve) => {
      const child = spawn(process.execPath, [join(root, 'dist/cli.js'), ...words], { cwd: root })
      let stderr = ''
      child.stderr.on('data', (part) => {
        stderr += part
        // Once: the second would end the process at once.
        if (signs.test(stderr) && !child.killed) child.kill(signal)
      })
      child.on('close', (code, endedBy) => resolve({ code, stderr, endedBy }))
    })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s says that what training saved stays, and leaves no lock', async (signal, expected) => {
    const own = join(folder, signal)
    mkdirSync(own)
    const file = join(own, 'interrupted.safetensors')
    const { code, stderr } = await interrupted(signal, /training images/, 'train', '--device', 'cpu', '--save', file)
    expect(stderr).toMatch(/\ninterrupted; what was saved before stays\n$/)
    expect(code).toBe(expected)
    expect(await readdir(own)).toEqual([])
  })

  it('ends at once where the reference device would not look up for minutes', async () => {
    const file = join(folder, 'reference.safetensors')
    const words = ['train', '--device', 'reference', '--limit', '10000', '--save', file]
    expect((await interrupted('SIGINT', /training images/, ...words)).endedBy).toBe('SIGINT')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves what follows %s to the system, which kills', (name) => {
    const count = () => ['SIGINT', 'SIGTERM'].map((each) => process.listenerCount(each))
    const before = count()
    const signal = interruptSignal()
    expect(count()).toEqual(before.map((each) => each + 1))
    process.emit(name)
    expect(signal.aborted).toBe(true)
    expect(count()).toEqual(before)
  })
})

describe('limelight', () => {
  it('trains, saves after every epoch with its log, and evaluates what it saved', { timeout: 300_000 }, async () => {
    const file = join(folder, 'trained.safetensors')
    const { code, stdout } = await limelight(
      'train',
      '--limit',
      '1500',
      '--epochs',
      '2',
      '--seed',
      '5',
      '--device',
      'cpu',
      '--json',
      '--save',
      file,
    )
    expect(code).toBe(0)
    const { log, device } = JSON.parse(stdout)
    expect(device.name).toBe('cpu')
    expect(log).toHaveLength(2)
    expect(log[1].loss).toBeLessThan(log[0].loss)
    const { metadata } = parseSafetensors(readFileSync(file))
    expect(JSON.parse(metadata.log)).toEqual(log)
    expect(metadata).toMatchObject({ epochs: '2', seed: '5', batch_size: '256', training_images: '1500' })
    const evaluated = await limelight('evaluate', '--model', file, '--device', 'cpu', '--json')
    expect(evaluated.code).toBe(0)
    const { accuracy, loss } = JSON.parse(evaluated.stdout)
    expect(accuracy).toBeCloseTo(log[1].val_accuracy, 10)
    expect(Math.abs(loss - log[1].val_loss)).toBeLessThan(1e-6)
  })

  it('prints the report of scikit-learn for the recorded network', { timeout: 300_000 }, async () => {
    const { code, stdout } = await limelight('evaluate', '--model', model, '--device', 'cpu')
    expect(code).toBe(0)
    expect(stdout).toContain(readReference('model-eval.safetensors').metadata.classification_report.trimEnd())
    expect(stdout).toMatch(/^Accuracy 0\.9117, loss 0\.2714 on 10000 images/)
  })

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

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(await limelight('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('shows help on --help, with exit code 0', async () => {
    const { code, stdout } = await limelight('--help')
    expect(code).toBe(0)
    for (const command of ['data', 'train', 'evaluate', 'explain', 'tutorial'])
      expect(stdout).toContain(`  ${command} `)
  })
})
