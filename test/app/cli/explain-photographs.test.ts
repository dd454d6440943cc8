import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodePng } from '../../../src/app/pictures/encode-png.ts'
import { Sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { describeWithModels, modelPath, modelsFolder } from '../../shared-models.ts'
import { expectFailure, limelight, start, useFolder } from './command.ts'

/** Photographs of any size, by networks whose pictures are of another size, range and meaning. */

const folder = useFolder()

function network(name: string, units: number, activation: 'softmax' | 'sigmoid' | 'linear'): string {
  const model = new Sequential({ inputShape: [72, 72, 3], seed: 4 }, [
    { layer: 'conv2d', filters: 4, kernelSize: 5, strides: 4, activation: 'relu' },
    { layer: 'flatten' },
    { layer: 'dense', units, activation },
  ])
  const file = join(folder, `${name}.safetensors`)
  writeFileSync(file, modelToBytes(model))
  writeFileSync(
    join(folder, `${name}.names.txt`),
    ['tabby, tabby cat', 'tiger cat', 'espresso'].slice(0, units).join('\n'),
  )
  return file
}

/** Stripes whose colours and widths are the number's. */
function photograph(path: string, number = 1, [height, width] = [90, 150]): string {
  const data = Float64Array.from({ length: height * width * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width
    return 0.5 + 0.5 * Math.sin((x * (1 + (i % 3))) / (4 + number) + number + Math.floor(i / 3 / width) / 30)
  })
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, encodePng({ data, height, width, channels: 3 }))
  return path
}

const model = network('cats', 3, 'softmax')
const named = ['--class-names', join(folder, 'cats.names.txt')]
const how = ['--scale', '0.00392156862745098', '--device', 'cpu', '--threads', '1', '--samples', '60']
const explain = (...words: string[]) => limelight('explain', '--model', model, ...how, ...words)

const linesIn = (out: string) => {
  const file = join(out, 'explanations.jsonl')
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8').split('\n').slice(0, -1)
}

describe('limelight explain --image', () => {
  it('explains a photograph of any size, with classes by name, its pictures on it, and a report', async () => {
    const image = photograph(join(folder, 'one.png'))
    const out = join(folder, 'one')
    const { code, stdout, stderr } = await explain('--image', image, ...named, '--crop', '--out', out)
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(
      /one\.png: \d+ segments, 60 samples\. The network sees its middle, 90 x 90 pixels, resized to 72 x 72/,
    )
    expect(stdout).toMatch(/^ {2}0\.\d{4} {2}(tabby, tabby cat|tiger cat|espresso)$/m)
    expect(stdout).toMatch(/^espresso: probability 0\.\d{4}, R² /m)
    const files = readdirSync(out)
    for (const file of [
      'report.html',
      'explanation.json',
      'boundaries.png',
      'seen.png',
      'label-2-overlay.png',
      'label-0-positive.png',
    ])
      expect(files).toContain(file)
    const record = JSON.parse(readFileSync(join(out, 'explanation.json'), 'utf8'))
    expect(record).toMatchObject({
      image,
      height: 90,
      width: 150,
      fit: 'crop',
      seen: { top: 0, left: 30, height: 90, width: 90 },
      segmentedIn: 'network',
      request: { segmenter: { name: 'slic' }, topLabels: 5 },
      names: { 2: 'espresso' },
    })
    expect(record.segments.map).toHaveLength(72)
    expect(record.index).toBeUndefined()
    const report = readFileSync(join(out, 'report.html'), 'utf8')
    for (const name of ['tabby, tabby cat', 'tiger cat', 'espresso']) expect(report).toContain(name)
    // It needs nothing from anywhere else.
    expect(report).not.toMatch(/(src|href)="(?!data:)/)
  })

  it('takes classes by name, and lists those that a name may mean', async () => {
    const image = photograph(join(folder, 'named.png'))
    const { stdout, stderr } = await explain('--image', image, ...named, '--labels', 'Espresso,tabby', '--json')
    expect(Object.keys(JSON.parse(stdout).explanation), stderr).toEqual(['0', '2'])
    expect(JSON.parse(stdout).request.labels).toEqual([2, 0])
    const several = await explain('--image', image, ...named, '--labels', 'cat')
    expectFailure(several, 2, /--labels cat: 2 classes are called so: 0 tabby, tabby cat; 1 tiger cat; give a number/)
    expectFailure(await explain('--image', image, '--labels', 'cat'), 2, /give numbers, or --class-names/)
    expectFailure(await explain('--image', image, '--labels', '3'), 2, /classes 0 to 2/)
  })

  it('refuses a colour that no picture has', async () => {
    const image = photograph(join(folder, 'coloured.png'))
    const red = await explain('--image', image, '--hide-color', '255,0,0')
    expectFailure(red, 2, /--hide-color 255,0,0: colours of photographs are numbers from 0, black, to 1, white/)
    expect((await explain('--image', image, '--hide-color', '1,0,0')).code).toBe(0)
  })

  it('explains one sigmoid for two classes by exact negatives, and values as they are', async () => {
    const image = photograph(join(folder, 'outputs.png'))
    const words = ['--image', image, ...how, '--json']
    const pair = await limelight('explain', '--model', network('pair', 1, 'sigmoid'), ...words, '--labels', '0,1')
    const { explanation, probabilities } = JSON.parse(pair.stdout)
    expect(probabilities[0] + probabilities[1]).toBe(1)
    expect(explanation[0].weights).toEqual(explanation[1].weights.map(([s, weight]: [number, number]) => [s, -weight]))
    const ages = network('ages', 1, 'linear')
    const out = join(folder, 'values')
    const values = await limelight('explain', '--model', ages, ...words, '--output', 'values', '--out', out)
    const record = JSON.parse(values.stdout)
    expect(record.probabilities).toBeUndefined()
    expect(record.values).toHaveLength(1)
    expect(record.best).toEqual([{ label: 0, name: 'value 0', value: record.values[0] }])
    const text = await limelight('explain', '--model', ages, '--image', image, ...how, '--output', 'values')
    expect(text.stdout).toMatch(/^value 0: value -?\d/m)
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('value 0')
  })
})

describe('limelight explain --image of many', () => {
  it('takes folders and patterns, and is complete after a kill: each once, a bad one with its reason', {
    timeout: 300_000,
  }, async () => {
    const photos = join(folder, 'photos')
    for (let i = 0; i < 10; i++) photograph(join(photos, i % 2 ? 'below' : '.', `photo-${i}.PNG`), i)
    writeFileSync(join(photos, 'torn.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1]))
    writeFileSync(join(photos, 'notes.txt'), 'no picture')
    photograph(join(folder, 'more', 'eleventh.png'), 11)
    photograph(join(folder, 'more', 'other.png'), 12)
    const out = join(folder, 'many')
    const words = ['--image', photos, join(folder, 'more', 'e*.png'), photos, '--out', out, ...named]
    const first = start(['explain', '--model', model, ...how, ...words])
    await expect.poll(() => linesIn(out).length, { timeout: 90_000, interval: 5 }).toBeGreaterThan(2)
    first.child.kill('SIGKILL')
    await first.ended
    const before = linesIn(out).length
    expect(before).toBeLessThan(12)
    const { code, stdout, stderr } = await explain(...words)
    expect(stderr).toContain(`${before} of 12 images are already in`)
    expect(stderr).toMatch(/limelight: 1 of 12 pictures could not be explained; explanations\.jsonl says why\n$/)
    expect(code).toBe(1)
    expect(stdout).toMatch(/torn\.jpg: not explained: .*JPEG/)
    const lines = linesIn(out).map((line) => JSON.parse(line))
    const names = lines.map(({ image }): string => image.split('/').at(-1))
    expect([...names].sort()).toEqual(
      ['eleventh.png', ...Array.from({ length: 10 }, (_, i) => `photo-${i}.PNG`), 'torn.jpg'].sort(),
    )
    for (const line of lines) {
      expect(line.digest).toMatch(/^[\da-f]{64}$/)
      if (line.error) continue
      expect(Object.keys(line.explanation)).toEqual([String(line.predicted)])
      expect(existsSync(join(out, 'reports', `${line.report}.html`))).toBe(true)
      expect(existsSync(join(out, 'thumbnails', `${line.report}.png`))).toBe(true)
    }
    const index = readFileSync(join(out, 'index.html'), 'utf8')
    expect(index.match(/<li>/g)).toHaveLength(11)
    expect(index).toMatch(/torn\.jpg<\/dt>/)
    // Each is what the photograph gets by itself.
    const { image, explanation, predicted } = lines[3]
    const alone = await explain('--image', image, ...named, '--labels', String(predicted), '--json')
    expect(JSON.parse(alone.stdout).explanation).toEqual(explanation)

    // Nothing is done twice; what was changed is another photograph; other options are another run.
    expect((await explain(...words)).code).toBe(1)
    expect(linesIn(out)).toHaveLength(12)
    photograph(join(photos, 'torn.jpg'), 20)
    const mended = await explain(...words, '--json')
    expect(mended.code, mended.stderr).toBe(0)
    expect(JSON.parse(mended.stdout)).toMatchObject({ images: 12, explained: 12, failed: 0, now: { explained: 1 } })
    expect(linesIn(out)).toHaveLength(13)
    expectFailure(await explain(...words, '--crop'), 2, /another run: fit was "squash" and is "crop" now/)
  })

  it('goes on after a picture whose segments are too many to be explained exactly', async () => {
    const flat = join(folder, 'parts', 'flat.png')
    const busy = photograph(join(folder, 'parts', 'busy.png'))
    const halves = Float64Array.from({ length: 72 * 72 * 3 }, (_, i) => (Math.floor(i / 3) % 72 < 36 ? 0.2 : 0.8))
    writeFileSync(flat, encodePng({ data: halves, height: 72, width: 72, channels: 3 }))
    const out = join(folder, 'parts-explained')
    const words = ['--samples', 'exact', '--segmenter', 'felzenszwalb', '--segmenter-param', 'min_size=5']
    const { code, stdout } = await explain('--image', busy, flat, '--out', out, ...words)
    expect(code).toBe(1)
    expect(stdout).toMatch(/busy\.png: not explained: .*segments/)
    expect(linesIn(out).map((line) => 'error' in JSON.parse(line))).toEqual([true, false])
  })

  it('asks for a folder to write to, and says what is not there', async () => {
    photograph(join(folder, 'two', 'a.png'))
    mkdirSync(join(folder, 'empty'))
    expectFailure(await explain('--image', join(folder, 'two')), 2, /several pictures: --image needs --out/)
    expectFailure(await explain('--image', join(folder, 'empty'), '--out', folder), 2, /no pictures in this folder/)
    expectFailure(await explain('--image', join(folder, '*.tiff'), '--out', folder), 2, /no file matches this pattern/)
    const judged = ['--image', join(folder, 'two'), '--out', join(folder, 'judged'), '--stability', '3']
    expectFailure(await explain(...judged), 2, /--stability, --faithfulness and --masks are for one image/)
  })
})

describeWithModels('MobileNetV2', () => {
  it("calls the coffee's crop espresso, and what speaks for that most is the cup", async () => {
    const image = join(modelsFolder, '../photos/coffee-progressive.jpg')
    const words = ['--model', modelPath('mobilenet-v2-quantised.tflite'), '--image', image, '--crop', '--device', 'cpu']
    const { stdout, stderr } = await limelight('explain', ...words, '--samples', '150', '--top-labels', '1', '--json')
    const { best, segments, explanation, predicted } = JSON.parse(stdout || stderr)
    expect(best[0]).toMatchObject({ name: 'espresso' })
    expect(best[0].probability).toBeGreaterThan(0.8)
    const [heaviest] = explanation[predicted].weights[0]
    expect(explanation[predicted].weights[0][1]).toBeGreaterThan(0)
    const [rows, columns]: number[][] = [[], []]
    segments.map.forEach((row: number[], y: number) => {
      row.forEach((segment, x) => {
        if (segment !== heaviest) return
        rows.push(y)
        columns.push(x)
      })
    })
    const middle = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    // The cup, in the crop of 224 x 224 pixels.
    expect(middle(rows)).toBeGreaterThan(10)
    expect(middle(rows)).toBeLessThan(150)
    expect(middle(columns)).toBeGreaterThan(40)
    expect(middle(columns)).toBeLessThan(175)
  })
})
