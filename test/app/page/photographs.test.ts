import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { preprocessings } from '../../../src/app/page/photograph/preprocessings.ts'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import { type PictureTask, pictureTask, statedImages } from '../../../src/app/tasks/picture-task.ts'
import {
  add,
  conv2d,
  dense,
  exportOnnx,
  flatten,
  input,
  loadModel,
  type Model,
  model,
  modelToBytes,
  type OutputKind,
  Sequential,
} from '../../../src/engine/index.ts'
import { describeWithModels, readModelFile } from '../../shared-models.ts'
import { dropFiles } from './dropped-files.ts'
import { bringNetwork, classNames, describeNetwork, ownNetwork } from './own-photograph-network.ts'
import { photographExplainedInNode } from './photograph-explained-in-node.ts'
import { expectClose, explained, root, shownWeights, useSite } from './site.ts'

/** Photographs as a person explains them: a network and a picture of one's own, what the page asks, what it says, what a link holds. */

const site = useSite()
const coffee = `${root}src/app/page/photograph/first-pictures/coffee.jpg`

async function dropPicture(page: Page): Promise<void> {
  await dropFiles(page, [['breakfast.jpg', await readFile(coffee), 'image/jpeg']])
}

/** The most probable classes as the page has them. */
async function topClasses(page: Page): Promise<[name: string, probability: number][]> {
  const rows = page.locator('.top-classes[aria-busy="false"] tbody tr')
  await rows.first().waitFor()
  return rows.evaluateAll((all) =>
    all.map((row) => [
      row.querySelector('th')?.textContent ?? '',
      Number(row.querySelector('[data-probability]')?.getAttribute('data-probability')),
    ]),
  )
}

/** Draws around a fourth of the picture and more with the lasso. */
async function drawBand(page: Page): Promise<void> {
  const pad = page.locator('.segment-editor canvas').first()
  await pad.scrollIntoViewIfNeeded()
  const { x, y, width, height } = (await pad.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
  const corners = [0.1, 0.1, 0.9, 0.1, 0.9, 0.6, 0.1, 0.6]
  const at = (i: number) => [x + corners[2 * i] * width, y + corners[2 * i + 1] * height] as const
  await page.mouse.move(...at(0))
  await page.mouse.down()
  for (const i of [1, 2, 3, 0]) await page.mouse.move(...at(i), { steps: 4 })
  await page.mouse.up()
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

function fromZeroToOne(model: Model, output?: OutputKind): PictureTask {
  const { value } = preprocessings['zero-one']
  return pictureTask(model, { ...statedImages(model), preprocessing: { value, source: 'the test' } }, { output })
}

/** The same in Node. */
async function explainedInNode(samples: number, bytes?: Uint8Array, task?: PictureTask) {
  const model = await loadModel(bytes ?? (await ownNetwork()))
  const asked = task ?? fromZeroToOne(model)
  const { attribution } = await photographExplainedInNode(site.device, model, asked, await readFile(coffee), samples)
  return attribution
}

describe('a photograph and a network of one’s own', () => {
  test('are dropped, explained as in Node, drawn on, explained again and saved; a link asks politely for both', async () => {
    const { page, complaints } = await site.open()
    await page.getByRole('link', { name: 'Photographs' }).click()
    await page.getByText('Choose one that people know').waitFor()
    await bringNetwork(page)
    await dropPicture(page)
    await page.getByRole('img', { name: 'breakfast.jpg' }).waitFor()

    const expected = await explainedInNode(200)
    const named = expected.labels.map((label) => [classNames[label], expected.prediction[label]] as const)
    await expect
      .poll(async () => (await topClasses(page)).map(([name, value]) => [name, value.toFixed(5)]))
      .toEqual(named.map(([name, value]) => [name, value.toFixed(5)]))

    await page.locator('.explanation-settings > summary').click()
    await page.getByLabel('Samples', { exact: true }).fill('200')
    await button(page, 'Explain').click()
    await page.locator('.follows').waitFor()
    expect(await shownWeights(page)).toEqual(expected.localExp[expected.labels[0]])
    // Another of the classes costs nothing.
    const [second] = named[1]
    await page.locator('.top-classes').getByRole('button', { name: second }).click()
    await page.getByRole('heading', { name: `Why ${second}?` }).waitFor()
    expect(await shownWeights(page)).toEqual(expected.localExp[expected.labels[1]])

    // What if a part is hidden?
    await page.locator('.segments tbody button').first().click()
    await page.locator('.what-if tr').nth(2).locator('[data-probability]').waitFor()

    const download = page.waitForEvent('download')
    await button(page, 'Save…').click()
    await page.getByRole('menuitem', { name: 'Weights on the photograph, PNG' }).click()
    const saved = await download
    expect(saved.suggestedFilename()).toBe(`photograph-${second}-overlay.png`)
    const { height, width, channels } = await decodePicture(await readFile(await saved.path()))
    expect([height, width, channels]).toEqual([320, 480, 3])
    const link = new URL(page.url())
    expect(Object.fromEntries(link.searchParams)).toMatchObject({
      mode: 'photograph',
      picture: expect.stringMatching(/^file-[0-9a-f]{12}$/),
      network: expect.stringMatching(/^file-[0-9a-f]{12}$/),
      samples: '200',
      label: String(expected.labels[1]),
      explain: '',
    })
    // A part of one's own, from edge to edge: it is one segment then, and explained as such.
    await page.getByText('Draw the parts yourself').click()
    await page.locator('.segment-editor').waitFor()
    const before = await shownWeights(page)
    await drawBand(page)
    await expect.poll(() => new URL(page.url()).searchParams.get('segmenter')).toBe('own')
    await button(page, 'Explain').click()
    await explained(page)
    await expect.poll(() => shownWeights(page)).not.toEqual(before)
    const areas = await page.locator('.segments tbody tr td:nth-child(2)').allTextContents()
    expect(Math.max(...areas.map((area) => Number.parseFloat(area.replace('<', ''))))).toBeGreaterThan(20)
    expect(complaints).toEqual([])

    // The same browser has both.
    await page.goto(link.href)
    await explained(page)
    expect(await shownWeights(page)).toEqual(expected.localExp[expected.labels[1]])

    const other = await site.open(`${link.search}&view=explain`)
    await other.page.getByText('This link was made with somebody’s own picture, which no link can hold.').waitFor()
    await other.page.getByText('This link was made with a network from somebody’s own file').waitFor()
    expect(await other.page.getByRole('alert').textContent()).toBe('')
    await dropPicture(other.page)
    await bringNetwork(other.page)
    await explained(other.page)
    expect(await shownWeights(other.page)).toEqual(expected.localExp[expected.labels[1]])
    expect(other.complaints).toEqual([])
  })

  test('that can’t be read are told of by name, and what was there stays', async () => {
    const { page } = await site.open('?mode=photograph&view=explain')
    await page.getByRole('img', { name: 'Coffee' }).waitFor()
    const alert = page.getByRole('alert')
    await dropFiles(page, [['broken.jpg', (await readFile(coffee)).subarray(0, 3000), 'image/jpeg']])
    await alert.getByText("broken.jpg can't be opened: ").waitFor()
    await dropFiles(page, [['notes.onnx', Buffer.from('no network')]])
    await alert.getByText("notes.onnx can't be opened as a network: ").waitFor()
    await dropFiles(page, [['mine.txt', Buffer.from('cup')]])
    await alert.getByText('a list of names is no network').waitFor()
    await dropFiles(page, [
      ['mine.onnx', await ownNetwork()],
      ['mine.txt', Buffer.from('cup\nsaucer')],
    ])
    await alert.getByText('mine.txt: 2 names, and the network has 4 classes').waitFor()
    await page.getByRole('img', { name: 'Coffee' }).waitFor()
  })
})

describe('a network for photographs', () => {
  test('takes the names of its classes from a file that is chosen', async () => {
    const { page, complaints } = await site.open('?mode=photograph&view=explain')
    await dropFiles(page, [['mine.onnx', await ownNetwork()]])
    const names = { name: 'mine.txt', mimeType: 'text/plain', buffer: Buffer.from(classNames.join('\n')) }
    await page.getByLabel('Names of its classes, one a line').setInputFiles(names)
    await page.getByText('4 names from mine.txt').waitFor()
    await describeNetwork(page)
    expect((await topClasses(page)).map(([name]) => name).toSorted()).toEqual(classNames.toSorted())
    expect(complaints).toEqual([])
  })

  test.each(['?index=3', '?view=train'])(
    'that is dropped on %s is asked about photographs, and once',
    async (search) => {
      const { page, complaints } = await site.open(search)
      await bringNetwork(page)
      await page.getByRole('img', { name: 'Coffee' }).waitFor()
      const classes = (await topClasses(page)).map(([name]) => name)
      expect(classes.toSorted()).toEqual(classNames.toSorted())
      expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({
        mode: 'photograph',
        network: expect.stringMatching(/^file-/),
      })
      expect(await page.getByRole('alert').textContent()).toBe('')

      // Who comes back finds it as it was: it is not dropped once more.
      await page.getByRole('link', { name: 'Fashion-MNIST' }).click()
      await page.getByLabel('Number', { exact: true }).waitFor()
      await page.getByRole('link', { name: 'Photographs' }).click()
      expect((await topClasses(page)).map(([name]) => name)).toEqual(classes)
      await page.waitForTimeout(500)
      expect(await page.getByText('Its file does not say').count()).toBe(0)
      expect(complaints).toEqual([])
    },
  )

  test('of 100 MB opens, and says what it says in Node', async () => {
    const { page, complaints } = await site.open('?mode=photograph&view=explain')
    const large = new Sequential({ inputShape: [64, 96, 3], seed: 5 }, [
      flatten(),
      dense({ units: 1400, activation: 'relu' }),
      dense({ units: classNames.length, activation: 'softmax' }),
    ])
    const bytes = await exportOnnx(large)
    expect(bytes.length).toBeGreaterThan(100e6)
    const folder = await mkdtemp(join(tmpdir(), 'limelight-large-'))
    try {
      const path = join(folder, 'large.onnx')
      await writeFile(path, bytes)
      await page.getByLabel('A network of your own').setInputFiles(path)
      await describeNetwork(page)
      const { predicted } = await photographExplainedInNode(
        site.device,
        large,
        fromZeroToOne(large),
        await readFile(coffee),
        20,
      )
      const rows = await topClasses(page)
      const expected = predicted.map((value, i) => [`class ${i}`, value] as const).toSorted(([, a], [, b]) => b - a)
      expect(rows.map(([name]) => name)).toEqual(expected.map(([name]) => name))
      expectClose(
        rows.map(([, value]) => value),
        expected.map(([, value]) => value),
      )
      expect(complaints).toEqual([])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('two explanations of a photograph', () => {
  test('stand side by side: of two classes, and of two networks; a link brings both back', async () => {
    const { page, complaints } = await site.open('?mode=photograph&view=compare&samples=60&right-samples=80')
    const panel = (side: 'left' | 'right') => page.locator(`[aria-labelledby="explanation-title-${side}"]`)
    const explain = async (side: 'left' | 'right', name: string) => {
      await panel(side).locator('.top-classes').getByRole('button', { name }).click()
      await panel(side)
        .getByRole('button', { name: /^Explain( again)?$/ })
        .click()
      await panel(side).locator('.follows').waitFor()
      return shownWeights(page, side)
    }
    const [one, other] = [await ownNetwork(), await ownNetwork(8)]
    // Nothing is chosen yet, so both sides ask it; what one of them is told of it, both know.
    await dropFiles(page, [
      ['mine.onnx', one],
      ['mine.txt', Buffer.from(classNames.join('\n'))],
    ])
    await panel('right').getByText('Its file does not say how it takes pixels.').waitFor()
    await describeNetwork(panel('left'))
    const [left, right] = [await explainedInNode(60, one), await explainedInNode(80, one)]
    expect(left.prediction).toEqual(right.prediction)
    const [first, second] = left.labels
    expect(await explain('left', classNames[first])).toEqual(left.localExp[first])
    expect(await explain('right', classNames[second])).toEqual(right.localExp[second])
    // Neither has moved the other, and each has its own picture of the one photograph.
    expect(await shownWeights(page, 'left')).toEqual(left.localExp[first])
    const pictures = page.locator('canvas.overlay')
    expect(await pictures.evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')))).toEqual([
      expect.stringMatching(`^Coffee, explained. Segments for ${classNames[first]}: `),
      expect.stringMatching(`^Coffee, explained. Segments for ${classNames[second]}: `),
    ])

    // Another network, on the left alone.
    await dropFiles(page, [['other.onnx', other]])
    await describeNetwork(panel('left'))
    const others = await explainedInNode(60, other)
    expect(others.localExp[second]).not.toEqual(left.localExp[second])
    expect(await explain('left', `class ${second}`)).toEqual(others.localExp[second])
    expect(await shownWeights(page, 'right')).toEqual(right.localExp[second])

    await page.reload()
    expect(await shownWeights(page, 'left')).toEqual(others.localExp[second])
    expect(await shownWeights(page, 'right')).toEqual(right.localExp[second])
    expect(complaints).toEqual([])
  })
})

describe('how a network takes pixels', () => {
  test('is told in numbers, as to the command; they are in the address, and in another profile only the file is asked for', async () => {
    const { page, complaints } = await site.open('?mode=photograph&view=explain&samples=50')
    const bytes = await ownNetwork()
    await dropFiles(page, [['mine.onnx', bytes]])
    await page.getByLabel('It takes a pixel as').selectOption('by scale, mean and std…')
    const use = button(page, 'Use it so')
    expect(await use.isDisabled()).toBe(true)
    await page.getByLabel('Scale', { exact: true }).fill('1/255')
    await page.getByText('1/255 can’t be taken: expected a number.').waitFor()
    await page.getByLabel('Scale', { exact: true }).fill('0.00392156862745098')
    await page.getByLabel('Mean', { exact: true }).fill('0.485, grey')
    await page.getByText('0.485, grey can’t be taken: expected a number, or one for each channel with commas').waitFor()
    expect(await use.isDisabled()).toBe(true)
    await page.getByLabel('Mean', { exact: true }).fill('0.485, 0.456')
    await page.getByLabel('Std', { exact: true }).fill('0.229,0.224,0.225')
    await use.click()
    const alert = page.getByRole('alert')
    await alert
      .getByText('That does not fit the network: mean: 2 numbers given; expected one, or one for each of')
      .waitFor()
    await page.getByLabel('Mean', { exact: true }).fill('0.485, 0.456, 0.406')
    await use.click()

    const model = await loadModel(bytes)
    const [scale, mean, std] = [0.00392156862745098, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]
    const expected = await explainedInNode(50, bytes, pictureTask(model, statedImages(model), { scale, mean, std }))
    const named = expected.labels.map((label) => [`class ${label}`, expected.prediction[label].toFixed(5)])
    const shown = async () => (await topClasses(page)).map(([name, value]) => [name, value.toFixed(5)])
    await expect.poll(shown).toEqual(named)
    await expect.poll(() => alert.textContent()).toBe('')
    await expect
      .poll(() => Object.fromEntries(new URL(page.url()).searchParams))
      .toMatchObject({ scale: '0.00392156862745098', mean: '0.485,0.456,0.406', std: '0.229,0.224,0.225' })
    const link = new URL(page.url())
    await page.locator('.network-knowledge > summary').click()
    await page.getByRole('row', { name: 'Pixels' }).getByText('you said so').waitFor()

    // The browser knows them without the address, and the address has them again.
    await page.goto(`${site.address}?mode=photograph&view=explain&network=${link.searchParams.get('network')}`)
    await expect.poll(shown).toEqual(named)
    await expect.poll(() => new URL(page.url()).searchParams.get('std')).toBe('0.229,0.224,0.225')
    // One of the usual ways takes their place.
    await page.locator('.network-knowledge > summary').click()
    await button(page, 'Say it otherwise…').click()
    await page.getByLabel('It takes a pixel as').selectOption('0 to 1')
    await use.click()
    await expect.poll(shown).not.toEqual(named)
    await expect.poll(() => new URL(page.url()).searchParams.has('std')).toBe(false)
    expect(complaints).toEqual([])

    const other = await site.open(`${link.search}&view=explain`)
    await other.page.getByText('This link was made with a network from somebody’s own file').waitFor()
    await dropFiles(other.page, [['mine.onnx', bytes]])
    await expect
      .poll(async () => (await topClasses(other.page)).map(([name, value]) => [name, value.toFixed(5)]))
      .toEqual(named)
    await dropFiles(other.page, [['mine.onnx', bytes]])
    await button(other.page, 'Explain').click()
    expect(await shownWeights(other.page)).toEqual(expected.localExp[expected.labels[0]])
  })
})

describe('a network that says values', () => {
  /** Values far beyond 0 and 1, of both signs. */
  const regression = (units: number) => {
    const image = input({ shape: [64, 96, 3] })
    const seen = image.through(conv2d({ filters: 4, kernelSize: 5, strides: 4, activation: 'relu' }), flatten())
    const one = seen.through(dense({ units: 8 }), dense({ units }))
    return model({ inputs: image, outputs: add(Array.from({ length: 16 }, () => one)), seed: 11 })
  }

  test.each([
    { units: 1, asked: 0, name: 'prices.onnx', toBytes: exportOnnx },
    { units: 3, asked: 2, name: 'prices.safetensors', toBytes: modelToBytes },
  ])(
    'of $units, $name, is explained by them, and nothing is a probability',
    async ({ units, asked, name, toBytes }) => {
      const bytes = await toBytes(regression(units))
      const { page, complaints } = await site.open('?mode=photograph&view=explain&samples=200')
      await dropFiles(page, [[name, bytes]])
      await page.getByText('Its file does not say how it takes pixels, or what its numbers are.').waitFor()
      await page.getByLabel('It takes a pixel as').selectOption('0 to 1')
      await page.getByLabel('Its numbers are').selectOption('values that are of no class (an age, a price)')
      await button(page, 'Use it so').click()

      const expected = await explainedInNode(200, bytes, fromZeroToOne(await loadModel(bytes), 'values'))
      const named = (label: number) => `value ${label}`
      const values = page.locator('.top-classes[aria-busy="false"] tbody tr')
      await expect.poll(() => values.count()).toBe(units)
      expect(await values.getByRole('button').allTextContents()).toEqual(expected.labels.map(named))
      const shown = await values
        .locator('[data-value]')
        .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute('data-value'))))
      expectClose(
        shown,
        expected.labels.map((label) => expected.prediction[label]),
        1e-4,
      )
      await values.nth(asked).getByRole('button').click()
      const said = String(Number(shown[asked].toPrecision(6))).replace('-', '−')
      expect(await page.locator('.verdict-line').textContent()).toBe(`The network says ${named(asked)} is ${said}`)

      await button(page, 'Explain').click()
      await page.locator('.follows').waitFor()
      await page.getByRole('heading', { name: `What raises and lowers ${named(asked)}?` }).waitFor()
      const weights = await shownWeights(page)
      expect(weights).toEqual(expected.localExp[asked])
      const [[segment, weight]] = weights
      const worth = String(Number(Math.abs(weight).toPrecision(3)))
      expect(await page.locator('.follows').textContent()).toBe(
        `Segment ${segment} counts most: it ${weight < 0 ? 'lowers' : 'raises'} ${named(asked)} by ${worth}.`,
      )
      // The strongest part has full colour, however small the numbers are.
      expect(await page.locator('.legend-ends').textContent()).toBe(
        `−${worth} lowers ${named(asked)}raises ${named(asked)} +${worth}`,
      )
      await button(page, 'Hide it').click()
      const without = page.locator('.what-if tr').nth(2).locator('[data-value]')
      await without.waitFor()
      expect(Number(await without.getAttribute('data-value'))).not.toBe(shown[asked])

      const panel = page.locator('section.explanation')
      expect(await panel.textContent()).not.toMatch(/probab|percent|Classes|the class|Every mixture/i)
      const shares = await page.locator('.segments tbody td:nth-child(2)').count()
      expect((await panel.textContent())?.match(/(?<!95 )%/g)).toHaveLength(shares)

      const download = page.waitForEvent('download')
      await button(page, 'Save…').click()
      await page.getByRole('menuitem', { name: 'Numbers and segments, JSON' }).click()
      const record = JSON.parse(await readFile(await (await download).path(), 'utf8'))
      expect(record.values).toHaveLength(units)
      expect(record.probabilities ?? record.predicted).toBeUndefined()
      expect(complaints).toEqual([])
    },
  )
})

describeWithModels('a network of the catalogue', () => {
  const isModel = (url: URL) => url.pathname.endsWith('.tflite')
  const isLabels = (url: URL) => url.pathname.endsWith('imagenet_labels.txt')

  test('is downloaded when somebody says so, compared with the original, and kept', async () => {
    const { page } = await site.open('?mode=photograph&view=explain&network=mobilenet-v2')
    const asked: string[] = []
    const headers = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' }
    let model = Buffer.from('another file')
    await page.context().route(isModel, (route) => {
      asked.push(route.request().url())
      return route.fulfill({ body: model, headers })
    })
    await page
      .context()
      .route(isLabels, (route) =>
        route.fulfill({ body: Buffer.from(readModelFile('mobilenet-v2-quantised.labels.txt')), headers }),
      )
    await page.getByText('Licence: Apache-2.0').waitFor()
    expect(asked).toEqual([])
    const download = button(page, 'Download 3.6 MB')
    await download.click()
    await page.getByRole('alert').getByText('what came is not the original').waitFor()

    model = Buffer.from(readModelFile('mobilenet-v2-quantised.tflite'))
    await download.click()
    await expect.poll(async () => (await topClasses(page))[0]?.[0]).toBe('espresso')
    expect(await page.getByRole('alert').textContent()).toBe('')
    expect(asked).toHaveLength(2)
    await page.reload()
    expect((await topClasses(page))[0][0]).toBe('espresso')
    expect(asked).toHaveLength(2)
  })
})
