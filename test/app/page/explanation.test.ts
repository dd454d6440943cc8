import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { decodePicture } from '../../../src/app/pictures/decode-picture.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { faithfulnessOf, LimeImageExplainer, segmenterNamed } from '../../../src/lime/index.ts'
import { expectClose, explained, openSettings, pickNumber, root, shownWeights, useSite } from './site.ts'

const {
  classNames,
  inputShape: [imageExtent],
} = fashionMnist

/** What can be done with an explanation: set in all its parts, looked at, trusted or not, kept, compared. */

const site = useSite()

const imageOf = (index: number) => ({
  data: Float64Array.from(site.pixelsOf(index), (value) => value / 255),
  shape: [imageExtent, imageExtent, 1],
})

/** What the command says. */
function command(...words: readonly string[]) {
  const fixed = ['--model', `${root}models/fashion-cnn.safetensors`, '--device', 'cpu', '--json']
  return JSON.parse(
    execFileSync(process.execPath, [`${root}dist/cli.js`, 'explain', ...words, ...fixed], { encoding: 'utf8' }),
  )
}

async function saved(page: Page, title: string): Promise<{ name: string; bytes: Buffer }> {
  await page.getByRole('button', { name: 'Save…' }).click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: title }).click(),
  ])
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
}

describe('an explanation', () => {
  test("has the command's numbers for every setting, and each is in the address", async () => {
    const { page, complaints } = await site.open('?index=1234&segmenter=auto&samples=150&seed=4&explain=')
    await explained(page)
    const segments = page.getByRole('combobox', { name: 'Segments' })
    await openSettings(page)
    await segments.selectOption('felzenszwalb')
    await page.getByText('More settings').click()
    await page.getByLabel('Smallest segment').fill('35')
    await page.getByLabel('Kernel width').fill('0.6')
    await page.getByLabel('What a hidden segment shows').selectOption('blur')
    await expect
      .poll(() => new URL(page.url()).search)
      .toBe(
        '?index=1234&segmenter=felzenszwalb&scale=1&sigma=0.8&min_size=35&samples=150&seed=4&kernel-width=0.6&hide-color=blur&explain=',
      )
    const words = [
      '--index',
      '1234',
      '--samples',
      '150',
      '--random-state',
      '4',
      '--random-seed',
      '4',
      '--kernel-width',
      '0.6',
    ]
    const fill = ['--hide-color', 'blur', '--top-labels', '1']
    const parameters = ['min_size=35', 'scale=1', 'sigma=0.8'].flatMap((text) => ['--segmenter-param', text])
    const told = command(...words, ...fill, '--segmenter', 'felzenszwalb', ...parameters)
    expect(await shownWeights(page)).toEqual(told.explanation[told.predicted].weights)

    await segments.selectOption('grid')
    await page.getByLabel('Columns').fill('3')
    const other = command(...words, ...fill, '--segmenter', 'grid', '--segmenter-param', 'columns=3')
    expect(await shownWeights(page)).toEqual(other.explanation[other.predicted].weights)
    await page.reload()
    expect(await shownWeights(page)).toEqual(other.explanation[other.predicted].weights)
    expect(complaints).toEqual([])
  })

  test('by Shapley values has their numbers and their words, and is compared with LIME', async () => {
    const { page, complaints } = await site.open('?index=135&segmenter=felzenszwalb&samples=300&seed=1&explain=')
    await explained(page)
    const facts = () => page.locator('.result > .facts').allTextContents()
    expect((await facts()).join()).toContain('R²')
    await openSettings(page)
    await page.getByRole('combobox', { name: 'Sampling' }).selectOption('auto')
    await page.getByRole('combobox', { name: 'Method' }).selectOption('shapley')
    // What Shapley values have no use for is gone, or as usual.
    expect(await page.getByRole('combobox', { name: 'Sampling' }).locator('option').allTextContents()).toEqual([
      'A fixed number',
      'Every mixture',
    ])
    await page.getByText('More settings').click()
    expect(await page.getByLabel('Kernel width').count()).toBe(0)
    await page.getByRole('spinbutton', { name: 'Samples' }).fill('250')
    const search = '?index=135&method=shapley&segmenter=felzenszwalb&samples=250&seed=1&explain='
    await expect.poll(() => new URL(page.url()).search).toBe(search)
    const words = ['--index', '135', '--method', 'shapley', '--samples', '250', '--segmenter', 'felzenszwalb']
    const seeds = ['--random-state', '1', '--random-seed', '1', '--top-labels', '1']
    const told = command(...words, ...seeds)
    const { weights, base, sum } = told.explanation[told.predicted]
    expect(await shownWeights(page)).toEqual(weights)
    const percents = [told.probabilities[told.predicted], base].map((value) => `${(100 * value).toFixed(1)} %`)
    const text = (await facts()).join()
    for (const shown of [`Network says${percents[0]}`, `All hidden${percents[1]}`]) expect(text).toContain(shown)
    expect(text).toContain(`All segments add${sum > base ? '+' : '−'}${Math.abs(sum - base).toFixed(4)}`)
    expect(text).not.toMatch(/R²|Linear model/)
    expect(await page.locator('.segments .interval').count()).toBe(0)
    await page.getByRole('columnheader', { name: 'Shapley value' }).waitFor()
    await page.locator('.segments tbody tr button').first().focus()
    await page.getByText(/is number 1 of \d+: [+−]0\.\d+\.$/).waitFor()
    await page.getByText('How far can this be trusted?').click()
    await page.locator('.trust .facts').waitFor()

    const json = JSON.parse((await saved(page, 'Numbers of all classes, JSON')).bytes.toString())
    expect(json).toMatchObject({ method: 'shapley', of: 'probability', request: { version: 1, samples: 250 } })
    expect(json.explanation[json.predicted]).toMatchObject({ weights, base, sum })
    await page.reload()
    expect(await shownWeights(page)).toEqual(weights)
    expect(complaints).toEqual([])
  })

  test('can be looked at in four ways, and kept as pictures, numbers and a link', async () => {
    const { page, complaints } = await site.open('?index=7270&segmenter=felzenszwalb&samples=300&seed=1&explain=')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await explained(page)
    const overlay = page.getByRole('img', { name: 'explained' })
    const looks = new Set<string>()
    for (const name of ['On the picture', 'Weights alone', 'Segments']) {
      await page.getByRole('radio', { name, exact: true }).check()
      looks.add((await overlay.screenshot()).toString('base64'))
    }
    expect(looks.size).toBe(3)
    await page.getByRole('radio', { name: 'Four panels' }).check()
    const panels = page.getByRole('img', { name: 'Original, the segments' })
    await panels.nth(1).waitFor()
    const sizes = await panels.evaluateAll((images) => images.map((image) => (image as HTMLImageElement).naturalWidth))
    expect(sizes.every((width) => width > 4 * 280)).toBe(true)
    // The look stays when another picture comes.
    await pickNumber(page, 7271)
    await explained(page)
    expect(await page.getByRole('radio', { name: 'Four panels' }).isChecked()).toBe(true)
    await pickNumber(page, 7270)
    await explained(page)

    const label = (await page.locator('.segments caption').textContent())?.split(' of ').at(-1) ?? ''
    const png = await saved(page, 'Weights alone, PNG')
    expect(png.name).toBe(`image-7270-${label.toLowerCase().replace('/', '-')}-heatmap.png`)
    expect(await decodePicture(png.bytes)).toMatchObject({ height: 280, width: 280, channels: 3 })
    const svg = await saved(page, 'Weights on the picture with legend, SVG')
    expect(svg.bytes.toString()).toContain(`<title>Test image 7270: ${classNames[site.images.labels[7270]]}`)
    const json = JSON.parse((await saved(page, 'Numbers of all classes, JSON')).bytes.toString())
    expect(json).toMatchObject({ index: 7270, label: site.images.labels[7270], samples: 300 })
    expect(json.explanation[json.predicted].weights).toEqual(await shownWeights(page))

    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url())
    expect(complaints).toEqual([])
  })

  test('says how true and how sure it is, and which part alone changes the answer', async () => {
    const { page, complaints } = await site.open()
    await explained(page)
    await page.getByText('How far can this be trusted?').click()
    await page.locator('.trust .facts').waitFor()
    await page.locator('.trust-table').waitFor({ state: 'attached' })

    const settings = { segmentationFn: segmenterNamed('felzenszwalb'), numSamples: 1000, randomSeed: 123 }
    const explainer = () => new LimeImageExplainer({ randomState: 123 })
    const explanation = await explainer().explainInstance(imageOf(135), site.model, { ...settings, topLabels: 10 })
    const [label] = explanation.labels
    const { deletion, random } = await faithfulnessOf(explanation, site.model, { label })
    const shown = await page
      .locator('.trust-table tbody tr td:nth-child(3)')
      .evaluateAll((cells) => cells.map((cell) => Number(cell.textContent?.replace(/[<> %]/g, ''))))
    expectClose(
      shown,
      Array.from(deletion.probabilities, (value) => value * 100),
      0.051,
    )
    expect(await page.locator('.trust').textContent()).toContain(
      `While segments are hidden, the probability averages ${deletion.auc.toFixed(3)}, in random order ${random.deletion.auc.toFixed(3)}: better than chance.`,
    )
    const stability = await explainer().stability(imageOf(135), site.model, { ...settings, labels: [label] })
    const { sameTop, vsi } = stability.get(label) ?? { sameTop: 0, vsi: 0 }
    const facts = await page.locator('.trust .facts dd').allTextContents()
    expect(facts.slice(0, 2)).toEqual([sameTop, vsi].map((share) => `${(share * 100).toFixed(1)} %`))

    // The first view's story: a shirt that is a coat to the network, but for one part of it.
    expect(classNames[label]).toBe('Coat')
    await page.getByText('Without segment 3 the network says Shirt.').waitFor()
    await page.getByRole('button', { name: 'Hide it' }).click()
    const becomes = page.locator('.what-if tr').nth(2).locator('.becomes')
    await expect.poll(() => becomes.textContent()).toBe('→ Shirt')
    expect(complaints).toEqual([])
  })
})

describe('two explanations side by side', () => {
  test('are of two segmenters at first, then of two classes, two pictures, and a link shows them again', async () => {
    const { page, complaints } = await site.open('?view=compare')
    const [left, right] = await Promise.all([shownWeights(page, 'left'), shownWeights(page, 'right')])
    expect(left).not.toEqual(right)
    expect(await page.locator('.picture-name').allTextContents()).toEqual(['Test image 135', 'Test image 135'])

    const panel = await explained(page, 'right')
    await panel.getByLabel('Explain the class').selectOption(String(classNames.indexOf('Shirt')))
    await openSettings(panel)
    await panel.getByRole('combobox', { name: 'Segments' }).selectOption('felzenszwalb')
    const shirt = await shownWeights(page, 'right')
    const told = command(
      '--index',
      '135',
      '--labels',
      String(classNames.indexOf('Shirt')),
      '--segmenter',
      'felzenszwalb',
    )
    expect(shirt).toEqual(told.explanation[classNames.indexOf('Shirt')].weights)
    // The other one stays as it is.
    expect(await shownWeights(page, 'left')).toEqual(left)

    await page.getByLabel('The same picture').uncheck()
    await page.getByRole('spinbutton', { name: 'Test image' }).nth(1).fill('7')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.picture-name').allTextContents()).toEqual(['Test image 135', 'Test image 7'])
    const seventh = await shownWeights(page, 'right')
    expect(seventh).not.toEqual(shirt)
    const address = page.url()
    await page.goto('about:blank')
    await page.goto(address)
    expect(await shownWeights(page, 'right')).toEqual(seventh)
    expect(await shownWeights(page, 'left')).toEqual(left)

    // Back leads to the view before.
    await page.getByRole('link', { name: 'Explain', exact: true }).click()
    await page.getByRole('heading', { name: 'Pick a picture' }).waitFor()
    await page.goBack()
    expect(await shownWeights(page, 'right')).toEqual(seventh)
    expect(complaints).toEqual([])
  })

  test('are of two networks when there are two', async () => {
    const { page, complaints } = await site.open('?view=train')
    await page.getByLabel('Training images').fill('200')
    await page.getByLabel('Epochs', { exact: true }).fill('1')
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.locator('[data-phase="done"]').waitFor()
    await page.getByRole('link', { name: 'Compare' }).click()
    const right = page.locator('[aria-labelledby="explanation-title-right"]')
    await openSettings(right)
    await right.getByRole('combobox', { name: 'Network' }).selectOption('own')
    await right.getByRole('combobox', { name: 'Segments' }).selectOption('felzenszwalb')
    const [tutorial, own] = [await shownWeights(page, 'left'), await shownWeights(page, 'right')]
    expect(own.map(([segment]) => segment).sort()).toEqual(tutorial.map(([segment]) => segment).sort())
    expect(own).not.toEqual(tutorial)
    expect(complaints).toEqual([])
  })
})
