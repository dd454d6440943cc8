import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodePng } from '../../../src/app/pictures/encode-png.ts'
import { Sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { limelight } from './command.ts'

/** Models whose classes are not Fashion-MNIST's: nothing may be called after clothes that the model has never heard of. */

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limelight-classes-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const clothes = /T-shirt|Trouser|Pullover|Dress|Coat|Sandal|Shirt|Sneaker|Bag|boot/

function modelOf(inputShape: readonly number[], units: number, activation: 'softmax' | 'sigmoid' = 'softmax'): string {
  const model = new Sequential({ inputShape, seed: 4 }, [{ layer: 'flatten' }, { layer: 'dense', units, activation }])
  const file = join(folder, `${inputShape.join('x')}-${units}.safetensors`)
  writeFileSync(file, modelToBytes(model))
  return file
}

function pictureOf(extent: number): string {
  const file = join(folder, `${extent}.png`)
  const data = Float64Array.from({ length: extent ** 2 }, (_, i) => 0.5 + 0.5 * Math.sin(i / 3))
  writeFileSync(file, encodePng({ data, height: extent, width: extent, channels: 1 }))
  return file
}

const how = ['--device', 'cpu', '--samples', '50', '--segmenter', 'grid']

describe('limelight explain', () => {
  it.each([
    ['two classes', 2, 'softmax'],
    ['one sigmoid', 1, 'sigmoid'],
    ['as many classes, of other pictures', 10, 'softmax'],
  ] as const)('numbers the classes of a model of %s', async (_, units, activation) => {
    const out = join(folder, `out-${units}`)
    const words = ['--model', modelOf([12, 12, 1], units, activation), '--image', pictureOf(12), '--out', out]
    const { code, stdout, stderr } = await limelight('explain', ...words, ...how)
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^The image: class \d \(/)
    expect(stdout).toMatch(/^class 1: probability/m)
    expect(stdout).not.toMatch(clothes)
    const picture = readFileSync(join(out, 'label-1-overlay.svg'), 'utf8')
    expect(picture).toContain('<title>What speaks for and against class 1</title>')
  })

  it('says of a test image what it is in truth, by its own name', async () => {
    const { stdout } = await limelight('explain', '--model', modelOf([28, 28, 1], 5), '--index', '0', ...how)
    expect(stdout).toMatch(/^Test image 0: class [0-4] \(0\.\d+\), in truth Ankle boot;/)
    expect(stdout.replace('in truth Ankle boot', '')).not.toMatch(clothes)
  })

  it('explains many test images for the class the model says, and sums them up by it', async () => {
    const out = join(folder, 'many')
    const words = ['--model', modelOf([28, 28, 1], 2), '--indices', '0:6', '--out', out, ...how]
    const { code, stdout, stderr } = await limelight('explain', ...words, '--json')
    expect(code, stderr).toBe(0)
    const { images, classes } = JSON.parse(stdout)
    expect(images).toBe(6)
    for (const { label, name, ...rest } of classes) {
      expect(name).toBe(`class ${label}`)
      expect(Object.keys(rest)).toEqual(['images', 'meanScore'])
    }
    const text = (await limelight('explain', ...words)).stdout
    expect(text).toMatch(/^predicted +images +mean R²$/m)
    expect(text).not.toMatch(clothes)
  })
})
