import { readFile } from 'node:fs/promises'
import { deflateSync } from 'node:zlib'
import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { differenceFrom, usualDifference } from '../../../src/app/page/pictures/likeness.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { exportOnnx, loadModel, modelToBytes, parseSafetensors, Sequential } from '../../../src/engine/index.ts'
import { kerasFile } from '../../engine/formats/keras/keras-files.ts'
import { liteFile } from '../../engine/formats/tflite/tflite-file.ts'
import { chunk, png } from '../pictures/png-writer.ts'
import { drop, dropFiles, type NamedBytes } from './dropped-files.ts'
import { expectClose, explained, root, shownProbabilities, useSite } from './site.ts'

const {
  inputShape: [imageExtent],
} = fashionMnist

/** Files of one's own: where they may be dropped, what is taken, and what becomes of pictures that are no test images. */

const site = useSite()
const size = imageExtent * imageExtent
const tutorialFile = `${root}models/fashion-cnn.safetensors`

/** Which network answers; null before there is a choice. */
const answering = (page: Page) =>
  page
    .getByRole('combobox', { name: 'Network', exact: true })
    .inputValue()
    .catch(() => null)

/** A grey PNG with opacity of the picture: seen where the test image is not black. */
function cutOut(pixels: Uint8Array, lightness: (value: number) => number): Uint8Array {
  return png({ width: imageExtent, height: imageExtent, depth: 8, colourType: 4 }, (row, column, sample) => {
    const value = pixels[row * imageExtent + column]
    return sample === 0 ? lightness(value) : value > 0 ? 255 : 0
  })
}

/** The pixels the page shows of its picture. */
const shownPixels = (page: Page) =>
  page.locator('.picture-view canvas').evaluate((canvas) => {
    const copy = new OffscreenCanvas(28, 28).getContext('2d', { willReadFrequently: true })
    copy?.drawImage(canvas as HTMLCanvasElement, 0, 0)
    const { data } = copy?.getImageData(0, 0, 28, 28) ?? { data: [] }
    return Array.from({ length: 784 }, (_, pixel) => data[4 * pixel])
  })

test('a network that the browser can not keep is opened, and the page says why it is gone after a reload', async () => {
  const { page } = await site.open('?view=train')
  await page.getByLabel('A file of weights').setInputFiles(tutorialFile)
  await page.getByText('It stays in this browser.').waitFor()
  // A database of this name that has no place for networks.
  await page.addInitScript(() => {
    indexedDB.deleteDatabase('limelight')
    const opening = indexedDB.open('limelight')
    opening.onupgradeneeded = () => opening.result.createObjectStore('other')
    opening.onsuccess = () => opening.result.close()
  })
  await page.reload()
  await page.getByText('There is none yet').waitFor()
  await page.getByLabel('A file of weights').setInputFiles(tutorialFile)
  await page.getByText(/This browser can't keep it \(.*object stores.*\): it is gone after a reload/).waitFor()
})

describe('a file dropped anywhere', () => {
  test.each(['train', 'compare', 'judge'])(
    'in the view "%s" never leaves the page: a picture is explained',
    async (view) => {
      const { page, complaints } = await site.open(`?view=${view}`)
      const picture = png(
        { width: 28, height: 28, depth: 8, colourType: 0 },
        (row, column) => site.pixelsOf(5)[row * 28 + column],
      )
      expect(await drop(page, 'mine.png', 'image/png', picture, 'main')).toBe(true)
      await page.getByText('mine.png', { exact: true }).waitFor()
      await page.getByRole('heading', { name: 'Pick a picture' }).waitFor()
      expect(await shownPixels(page)).toEqual(Array.from(site.pixelsOf(5)))
      expect(complaints).toEqual([])
    },
  )

  test('does not end a training, and what is no picture and no network is told what is taken', async () => {
    const { page } = await site.open('?view=train')
    await page.getByLabel('Training images').fill('200')
    await page.getByLabel('Epochs', { exact: true }).fill('60')
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.locator('.course .facts').waitFor()
    expect(await drop(page, 'notes.txt', 'text/plain', Buffer.from('notes'), 'input[type="number"]')).toBe(true)
    await page.getByRole('alert').getByText('notes.txt is not taken: expected a picture').waitFor()
    await drop(page, 'pictures.h5', '', await kerasFile('pictures.h5'))
    await page
      .getByRole('alert')
      .getByText("pictures.h5 can't be opened as a network: another is being trained; stop that first")
      .waitFor()
    expect(await page.locator('[data-phase="stopped"]').count()).toBe(0)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('[data-phase="stopped"]').waitFor()
  })

  test.each([
    ['safetensors', async (file: string) => readFile(file)],
    ['onnx', async (file: string) => exportOnnx(await loadModel(file))],
  ])('that holds a network is opened, and explains at once: %s', async (extension, bytesOf) => {
    const { page } = await site.open('?index=3')
    const before = await shownProbabilities(page)
    const bytes = await bytesOf(tutorialFile)
    expect(await drop(page, `fashion.${extension}`, '', bytes)).toBe(true)
    await expect.poll(() => answering(page)).toBe('own')
    expect(await shownProbabilities(page)).toEqual(before)
    expect(await page.getByRole('alert').textContent()).toBe('')
  })
})

/** The tutorial's network as TensorFlow.js keeps those of Keras, its weights in two files. */
async function webModel(): Promise<NamedBytes[]> {
  const { tensors } = parseSafetensors(await readFile(tutorialFile))
  const weights = Array.from(tensors, ([name, { shape }]) => ({ name, shape, dtype: 'float32' }))
  const bytes = Buffer.concat(
    Array.from(tensors.values(), ({ data }) => new Uint8Array(Float32Array.from(data).buffer)),
  )
  const convolution = (name: string, filters: number) => ({
    class_name: 'Conv2D',
    config: {
      name,
      filters,
      kernel_size: [3, 3],
      padding: 'same',
      activation: 'relu',
      batch_input_shape: [null, 28, 28, 1],
    },
  })
  const layers = [
    convolution('conv2d', 48),
    convolution('conv2d_1', 32),
    convolution('conv2d_2', 16),
    { class_name: 'Flatten', config: { name: 'flatten' } },
    { class_name: 'Dense', config: { name: 'dense', units: 10, activation: 'softmax' } },
  ]
  const model = {
    format: 'layers-model',
    modelTopology: { model_config: { class_name: 'Sequential', config: { name: 'tutorial', layers } } },
    weightsManifest: [{ paths: ['shard1.bin', 'shard2.bin'], weights }],
  }
  return [
    ['shard2.bin', bytes.subarray(300_000)],
    ['model.json', Buffer.from(JSON.stringify(model)), 'application/json'],
    ['shard1.bin', bytes.subarray(0, 300_000)],
  ]
}

/** One dense layer over the pixels, and a softmax. */
function liteModel(): Uint8Array {
  const weights = Float32Array.from({ length: 10 * size }, (_, i) => Math.sin(i) / 10)
  return liteFile({
    tensors: [
      { name: 'x', shape: [1, 28, 28, 1] },
      { name: 'y', shape: [1, 10] },
      { name: 'weights', shape: [10, size], data: weights },
      { name: 'sums', shape: [1, 10] },
    ],
    operators: [
      { code: 9, inputs: [0, 2], outputs: [3], options: [[0, 'int8', 0]] },
      { code: 25, inputs: [3], outputs: [1], options: [[0, 'float32', 1]] },
    ],
    inputs: [0],
    outputs: [1],
  })
}

describe('a network of another format', () => {
  /** What it says in Node of a test image. */
  async function predicted(files: readonly NamedBytes[], index: number): Promise<number[]> {
    const model = await loadModel(
      files.length === 1 ? files[0][1] : new Map(files.map(([name, bytes]) => [name, bytes])),
    )
    await model.compile({ device: site.device })
    const answer = await site.predicted(site.pixelsOf(index), model)
    model.dispose()
    return answer
  }

  test('is opened without the internet, too: what reads it is kept with the page, as is the network', async () => {
    const { page, complaints } = await site.open('?index=3')
    await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
    await page.context().setOffline(true)
    await page.reload()
    const networks: NamedBytes[][] = [
      [['lite.tflite', liteModel()]],
      await webModel(),
      [['pictures.onnx', await exportOnnx(await loadModel(tutorialFile))]],
      [['pictures.h5', await kerasFile('pictures.h5')]],
    ]
    await shownProbabilities(page)
    for (const files of networks) {
      await page.getByRole('combobox', { name: 'Network', exact: true }).selectOption('tutorial')
      await dropFiles(page, files)
      await expect.poll(() => answering(page)).toBe('own')
      expectClose(await shownProbabilities(page), await predicted(files, 3))
    }
    await page.reload()
    await expect.poll(() => answering(page)).toBe('own')
    expectClose(await shownProbabilities(page), await predicted(networks[3], 3))
    expect(await page.getByRole('alert').textContent()).toBe('')
    expect(complaints).toEqual([])
  })

  test('of another size, or without its other files, is refused in one sentence; its own file is what is saved', async () => {
    const { page, complaints } = await site.open('?index=3')
    const says = (text: string) => page.getByRole('alert').getByText(text).waitFor()
    await drop(page, 'small.h5', '', await kerasFile('small.h5'))
    await says("small.h5 can't be opened as a network: it leads from [6,6,1] to [3]; expected one from [28,28,1]")
    const [, model] = await webModel()
    await dropFiles(page, [model])
    await says('model.json can\'t be opened as a network: its file "shard1.bin" is missing')
    await drop(page, 'pictures.h5', '', await kerasFile('pictures.h5'))
    await expect.poll(() => answering(page)).toBe('own')
    await page.getByRole('link', { name: 'Train', exact: true }).click()
    await page.getByRole('button', { name: 'Save weights' }).click()
    await says("The network can't be saved: it came from another program, in a file that still holds it")
    expect(complaints).toEqual([])
  })
})

describe('a network of other classes than the test images have', () => {
  test('explains them, its classes numbered; nothing is right or wrong, and it can not be judged', async () => {
    const two = new Sequential({ inputShape: [28, 28, 1], seed: 2 }, [
      { layer: 'flatten' },
      { layer: 'dense', units: 2, activation: 'softmax' },
    ])
    const { page, complaints } = await site.open('?index=3')
    await page.locator('.verdict-line .mark').waitFor()
    expect(await drop(page, 'two.safetensors', '', modelToBytes(two))).toBe(true)
    await page.getByRole('heading', { name: /^Why class [01]\?$/ }).waitFor()
    const names = page.locator('.probabilities th[scope="row"]')
    expect(await names.allTextContents()).toEqual(['class 0', 'class 1'])
    expect(await page.locator('.verdict-line .mark').count()).toBe(0)
    await page.getByRole('button', { name: 'Explain', exact: true }).click()
    const panel = await explained(page)
    await panel.getByText(/What if parts are hidden\? Probability of class [01]/).waitFor()
    const options = panel.getByLabel('Explain the class').locator('option')
    expect(await options.allTextContents()).toEqual([
      'the most probable',
      expect.stringMatching(/^class [01], /),
      expect.stringMatching(/^class [01], /),
    ])
    const words = await panel.locator('.answer, .result').allTextContents()
    expect(words.join(' ')).not.toMatch(/T-shirt|Trouser|Pullover|Coat|Sandal|Sneaker|boot/)
    await page.getByRole('link', { name: 'Judge', exact: true }).click()
    await page.getByRole('button', { name: 'Judge all 10,000 test images' }).click()
    await page.getByRole('alert').getByText('expected a softmax over the 10 classes of Fashion-MNIST').waitFor()
    expect(complaints).toEqual([])
  })
})

describe('a chosen class', () => {
  const chosen = (page: Page) =>
    page
      .getByLabel('Explain the class')
      .evaluate((select) => (select as HTMLSelectElement).selectedOptions[0]?.textContent)
  const networkOf = (units: number) =>
    modelToBytes(
      new Sequential({ inputShape: [28, 28, 1], seed: units }, [
        { layer: 'flatten' },
        { layer: 'dense', units, activation: 'softmax' },
      ]),
    )
  const hasClasses = (page: Page, count: number) =>
    expect.poll(() => page.getByLabel('Explain the class').locator('option').count()).toBe(count + 1)

  test('stays where another network has it, by its name; where it has not, the most probable is explained', async () => {
    const { page, complaints } = await site.open('?index=3&label=9')
    await expect.poll(() => chosen(page)).toMatch(/^Ankle boot/)
    await drop(page, 'three.safetensors', '', networkOf(3))
    await hasClasses(page, 3)
    expect(await chosen(page)).toBe('the most probable')
    expect(new URL(page.url()).searchParams.get('label')).toBe(null)
    await page.getByLabel('Explain the class').selectOption('2')
    await page.getByRole('heading', { name: 'Why class 2?' }).waitFor()
    // One of as many classes and more has a class of that name, and one of fewer has not.
    await drop(page, 'four.safetensors', '', networkOf(4))
    await hasClasses(page, 4)
    expect(await chosen(page)).toMatch(/^class 2/)
    await drop(page, 'two.safetensors', '', networkOf(2))
    await hasClasses(page, 2)
    expect(await chosen(page)).toBe('the most probable')
    await page.getByLabel('Explain the class').selectOption('1')
    await page.getByRole('combobox', { name: 'Network', exact: true }).selectOption('tutorial')
    await hasClasses(page, 10)
    expect(await chosen(page)).toBe('the most probable')
    expect(complaints).toEqual([])
  })

  test('in an address is a number among the classes of the network that it names', async () => {
    const { page } = await site.open('?index=3')
    await drop(page, 'three.safetensors', '', networkOf(3))
    await hasClasses(page, 3)
    for (const [label, name] of [
      [2, /^class 2/],
      [7, /^the most probable$/],
    ] as const) {
      await page.goto(`${site.address}?index=3&network=own&label=${label}`)
      await hasClasses(page, 3)
      await expect.poll(() => chosen(page)).toMatch(name)
    }
  })
})

describe('a picture of one’s own', () => {
  test('with transparency lies over what it can be seen on: white clothes over black, black ones over white', async () => {
    const { page } = await site.open()
    const shirt = site.pixelsOf(2)
    await drop(
      page,
      'white.png',
      'image/png',
      cutOut(shirt, () => 250),
    )
    await page.getByText('white.png', { exact: true }).waitFor()
    expect(await shownPixels(page)).toEqual(Array.from(shirt, (value) => (value > 0 ? 250 : 0)))
    await drop(
      page,
      'black.png',
      'image/png',
      cutOut(shirt, () => 5),
    )
    await page.getByText('black.png', { exact: true }).waitFor()
    expect(await shownPixels(page)).toEqual(Array.from(shirt, (value) => (value > 0 ? 5 : 255)))
    // The browser's own decoder is used for other formats: the same ground.
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(28, 28)
      const context = canvas.getContext('2d')
      if (!context) return
      context.fillStyle = '#fff'
      context.fillRect(8, 4, 12, 20)
      const file = new File([await canvas.convertToBlob({ type: 'image/webp', quality: 1 })], 'white.webp', {
        type: 'image/webp',
      })
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(file)
      dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }))
    })
    await page.getByText('white.webp', { exact: true }).waitFor()
    const pixels = await shownPixels(page)
    expect(pixels[0]).toBe(0)
    expect(pixels[14 * imageExtent + 14]).toBe(255)
  })

  test('dark on light is inverted only when that is asked for, which can be undone', async () => {
    const { page } = await site.open()
    const negative = site.pixelsOf(12).map((value) => 255 - value)
    const file = png({ width: 28, height: 28, depth: 8, colourType: 0 }, (row, column) => negative[row * 28 + column])
    await drop(page, 'photo.png', 'image/png', file)
    await page.getByText('Should it be inverted?').waitFor()
    expect(await shownPixels(page)).toEqual(Array.from(negative))
    await page.getByRole('button', { name: 'Invert' }).click()
    await expect.poll(() => shownPixels(page)).toEqual(Array.from(site.pixelsOf(12)))
    // The same button, which keeps the focus.
    await page.getByRole('button', { name: 'Undo', exact: true }).and(page.locator(':focus')).press('Enter')
    await expect.poll(() => shownPixels(page)).toEqual(Array.from(negative))
  })

  test('that is unlike the training images is said to be so, and one that is like them is not', async () => {
    const { page } = await site.open()
    const of = (pixels: Uint8Array) =>
      png({ width: 28, height: 28, depth: 8, colourType: 0 }, (row, column) => pixels[row * 28 + column])
    const said = page.getByText('This is unlike the pictures the network learned from')
    await drop(page, 'photo.png', 'image/png', of(site.pixelsOf(12).map((value) => 255 - value)))
    await said.waitFor()
    await page.getByRole('button', { name: 'Invert' }).click()
    await expect.poll(() => said.count()).toBe(0)
  })

  test('is measured by a difference that 99 in 100 test images stay within, and no inverted one does', () => {
    const sampled = Array.from({ length: 300 }, (_, i) => i * 33)
    const within = sampled.filter(
      (index) => differenceFrom(site.pixelsOf(index), site.images, index) <= usualDifference,
    )
    expect(within.length / sampled.length).toBeGreaterThan(0.975)
    expect(within.length / sampled.length).toBeLessThan(1)
    const inverted = sampled.slice(0, 60).map((index) => site.pixelsOf(index).map((value) => 255 - value))
    for (const pixels of inverted) expect(differenceFrom(pixels, site.images)).toBeGreaterThan(usualDifference)
    expect(differenceFrom(site.pixelsOf(7), site.images)).toBe(0)
    expect(differenceFrom(new Uint8Array(size), site.images, null)).toBeGreaterThan(0)
  })

  /** A grey PNG of so many pixels, light on the left half: small as a file. */
  function large(width: number, height: number): Buffer {
    const header = Buffer.alloc(13)
    header.writeUInt32BE(width, 0)
    header.writeUInt32BE(height, 4)
    header.set([8, 0, 0, 0, 0], 8)
    const row = Buffer.alloc(width + 1)
    row.fill(240, 1, 1 + width / 2)
    const data = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)), { level: 1 })
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', [])])
  }

  test('of up to 100 megapixels is taken by decoding it small; beyond, the limit is named', async () => {
    const { page, complaints } = await site.open()
    await drop(page, 'huge.png', 'image/png', large(10_000, 10_000))
    await page.getByText('huge.png', { exact: true }).waitFor()
    const pixels = await shownPixels(page)
    for (const [pixel, value] of pixels.entries())
      if (![13, 14].includes(pixel % imageExtent)) expect(value).toBe(pixel % imageExtent < 14 ? 240 : 0)
    await drop(page, 'beyond.png', 'image/png', large(10_000, 10_001))
    await page
      .getByRole('alert')
      .getByText('beyond.png is 10000 × 10001 pixels, 100 megapixels; at most 100 are taken')
      .waitFor()
    // A browser that can't decode small has a limit of its own.
    await page.evaluate(() => {
      const { createImageBitmap: create } = globalThis
      globalThis.createImageBitmap = ((file: Blob) => create(file)) as typeof createImageBitmap
    })
    await drop(page, 'again.png', 'image/png', large(5000, 4000))
    await page.getByRole('alert').getByText('takes at most 16 megapixels').waitFor()
    expect(complaints).toEqual([])
  })
})
