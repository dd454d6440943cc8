import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { LimeImageExplainer, segmenterNamed } from '../../../src/lime/index.ts'
import { expectClose, explained, openSettings, pickNumber, root, shownWeights, useSite } from './site.ts'

const {
  classNames,
  inputShape: [imageExtent],
} = fashionMnist

/** Explanations as a person asks for them, against the same library calls in Node and the command. */

const site = useSite()

describe('the page', () => {
  test('explains a picture with the numbers of the library', async () => {
    const { page, complaints } = await site.open('?index=12')
    await openSettings(page)
    await page.getByRole('combobox', { name: 'Segments' }).selectOption('felzenszwalb')
    await page.getByLabel('Samples').fill('150')
    await page.getByLabel('Random seed').fill('7')
    await page.getByRole('button', { name: 'Explain' }).click()
    const explainer = new LimeImageExplainer({ randomState: 7 })
    const explanation = await explainer.explainInstance(
      { data: Float64Array.from(site.pixelsOf(12), (value) => value / 255), shape: [imageExtent, imageExtent, 1] },
      site.model,
      { segmentationFn: segmenterNamed('felzenszwalb'), numSamples: 150, topLabels: 10, randomSeed: 7 },
    )
    const compare = async (label: number) => {
      const shown = await shownWeights(page)
      const expected = explanation.localExp[label]
      expect(shown.map(([segment]) => segment)).toEqual(expected.map(([segment]) => segment))
      expectClose(
        shown.map(([, weight]) => weight),
        expected.map(([, weight]) => weight),
      )
      expect(await page.locator('.facts').textContent()).toContain(explanation.score[label].toFixed(4))
    }
    const [first, second] = explanation.labels
    await compare(first)
    // Another class is there at once.
    await page.getByLabel('Explain the class').selectOption(String(second))
    await expect.poll(() => page.locator('.segments caption').textContent()).toContain(classNames[second])
    await compare(second)
    // So is another seed, without another press.
    await page.getByLabel('Random seed').fill('8')
    const other = await new LimeImageExplainer({ randomState: 8 }).explainInstance(
      { data: Float64Array.from(site.pixelsOf(12), (value) => value / 255), shape: [imageExtent, imageExtent, 1] },
      site.model,
      { segmentationFn: segmenterNamed('felzenszwalb'), numSamples: 150, topLabels: 10, randomSeed: 8 },
    )
    expectClose(
      (await shownWeights(page)).map(([, weight]) => weight),
      other.localExp[second].map(([, weight]) => weight),
    )

    // Where the pointer rests after scrolling is pointed at, too.
    await page.mouse.move(1, 1)
    const overlay = page.getByRole('img', { name: 'explained' })
    const before = await overlay.screenshot()
    await page.locator('.segments tbody button').first().focus()
    await page.locator('.segments tr.is-highlighted').waitFor()
    expect(before.equals(await overlay.screenshot())).toBe(false)
    expect(complaints).toEqual([])
  })

  test('says what the network says without what is pointed at and what is hidden', async () => {
    const { page, complaints } = await site.open('?index=3000')
    await openSettings(page)
    await page.getByRole('combobox', { name: 'Segments' }).selectOption('felzenszwalb')
    await page.getByLabel('Sampling').selectOption('exact')
    expect(await page.getByLabel('Samples').isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Explain' }).click()
    await explained(page)

    const explainer = new LimeImageExplainer()
    const image = {
      data: Float64Array.from(site.pixelsOf(3000), (value) => value / 255),
      shape: [imageExtent, imageExtent, 1],
    }
    const explanation = await explainer.explainInstance(image, site.model, {
      segmentationFn: segmenterNamed('felzenszwalb'),
      numSamples: 'exact',
      topLabels: 1,
    })
    const [label] = explanation.labels
    expect(await page.locator('.facts').textContent()).toContain(`Samples${explanation.samples.toLocaleString('en')}`)
    const expectWithout = async (row: number, hidden: readonly number[]) => {
      const data = Float32Array.from(image.data, (value, pixel) =>
        hidden.includes(explanation.segments.data[pixel]) ? explanation.fudgedAsked.data[pixel] : value,
      )
      const expected = (await site.model.predict({ data, shape: [1, imageExtent, imageExtent, 1] })).data[label]
      const shown = page.locator('.what-if tr').nth(row).locator('[data-probability]')
      await expect
        .poll(async () => Math.abs(Number(await shown.getAttribute('data-probability')) - expected))
        .toBeLessThan(1e-5)
    }
    const [[first], [second], [third]] = explanation.localExp[label]
    const rowOf = (segment: number) => page.getByRole('button', { name: `Hide segment ${segment}`, exact: true })
    await rowOf(first).focus()
    await expectWithout(1, [first])
    await page.keyboard.press('ArrowDown')
    await expectWithout(1, [second])
    await page.keyboard.press('ArrowUp')
    await expectWithout(1, [first])
    await page.keyboard.press('Enter')
    await expectWithout(2, [first])
    // Pointed at and hidden alone: what follows is said once.
    expect(await page.locator('.what-if th').allTextContents()).toEqual([
      'Whole picture',
      'Without one segment',
      `Without segment ${first}`,
    ])
    expect(await page.locator('.what-if [data-probability]').count()).toBe(2)
    await rowOf(second).click()
    await expectWithout(1, [second])
    await expectWithout(2, [first, second])

    // In the picture as in the table: the middle of the third segment's first pixel.
    const pixel = explanation.segments.data.indexOf(third)
    const overlay = page.getByRole('img', { name: 'explained' })
    const { width = 0, height = 0 } = (await overlay.boundingBox()) ?? {}
    const at = (place: number, extent: number) => ((place + 0.5) / imageExtent) * extent
    const position = { x: at(pixel % imageExtent, width), y: at(Math.floor(pixel / imageExtent), height) }
    await overlay.click({ position })
    await expectWithout(1, [third])
    await expectWithout(2, [first, second, third])
    await overlay.click({ position })
    await expectWithout(2, [first, second])
    await page.getByRole('button', { name: 'Show all' }).click()
    expect(await page.locator('.what-if [data-probability]').count()).toBeLessThan(3)
    await rowOf(third).hover()
    await expectWithout(1, [third])
    await page.mouse.move(0, 0)
    expect(await page.locator('.segments [aria-pressed="true"]').count()).toBe(0)

    // Another explanation has other segments: nothing of it is hidden.
    await rowOf(first).click()
    await page.getByRole('combobox', { name: 'Segments' }).selectOption('slic')
    await page.getByLabel('Sampling').selectOption('auto')
    await explained(page)
    await expect.poll(() => page.locator('.segments tbody tr').count()).not.toBe(explanation.localExp[label].length)
    expect(await page.locator('.segments [aria-pressed="true"]').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('explains what its address says with the numbers of the command, and keeps it in the address', async () => {
    const search = '?index=7270&label=6&segmenter=slic&samples=200&seed=9&explain='
    const { page, complaints } = await site.open(search)
    expect(await page.locator('.picture-name').textContent()).toBe('Test image 7270')
    const shown = await shownWeights(page)
    const words = ['--index', '7270', '--labels', '6', '--segmenter', 'slic', '--samples', '200', '--random-state', '9']
    const fixed = [
      '--model',
      `${root}models/fashion-cnn.safetensors`,
      '--random-seed',
      '9',
      '--device',
      'cpu',
      '--json',
    ]
    const told = execFileSync(process.execPath, [`${root}dist/cli.js`, 'explain', ...words, ...fixed], {
      encoding: 'utf8',
    })
    expect(shown).toEqual(JSON.parse(told).explanation[6].weights)
    expect(new URL(page.url()).search).toBe(search)

    await page.getByLabel('Explain the class').selectOption('0')
    await expect.poll(() => new URL(page.url()).searchParams.get('label')).toBe('0')
    await pickNumber(page, 12)
    // The picture is another, and is explained as well.
    const shownNext = '?index=12&label=0&segmenter=slic&samples=200&seed=9&explain='
    await expect.poll(() => new URL(page.url()).search).toBe(shownNext)
    expect(complaints).toEqual([])
    await page.reload()
    await page.getByText('Test image 12', { exact: true }).waitFor()
  })

  test('says what lime says when there is too little to explain', async () => {
    const { page } = await site.open('?index=0')
    await openSettings(page)
    await page.getByRole('combobox', { name: 'Segments' }).selectOption('quickshift')
    await page.getByLabel('Samples').fill('10')
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.locator('.warning', { hasText: 'an explanation needs at least 3' }).waitFor()
  })

  test('stops midway, and then explains again', async () => {
    // So many small segments share next to nothing: this takes seconds.
    const { page } = await site.open('?index=0&segmenter=grid&rows=14&columns=14&samples=8000')
    await openSettings(page)
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.locator('.explanation progress').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped before the end').waitFor()
    await page.getByLabel('Samples').fill('20')
    await page.getByRole('button', { name: 'Explain' }).click()
    await explained(page)
    expect(await page.locator('.facts').textContent()).toContain('Samples20')
    // A long run can be stopped while the last result is still there, and what comes next can be explained.
    await page.getByLabel('Samples').fill('8000')
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped before the end').waitFor()
    await pickNumber(page, 3)
    expect(await page.locator('.facts').count()).toBe(0)
    await page.getByLabel('Samples').fill('30')
    await page.getByRole('button', { name: 'Explain' }).click()
    await explained(page)
    expect(await page.locator('.facts').textContent()).toContain('Samples30')
    expect(await page.getByRole('alert').textContent()).toBe('')
  })
})
