import { describe, expect, test } from 'vitest'
import { evaluateModel } from '../../../src/app/tasks/evaluation.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { explained, pickNumber, useSite } from './site.ts'

const { classNames } = fashionMnist

/** The judgement of all test images, against the same library call in Node, and the way from it to single pictures. */

const site = useSite()

describe('the page', () => {
  test('judges all test images; a cell of the matrix opens its pictures, which can be explained', async () => {
    const { page, complaints } = await site.open()
    expect(await page.getByLabel('The network says').isDisabled()).toBe(true)
    await page.getByRole('link', { name: 'Judge' }).click()
    const judge = page.getByRole('button', { name: 'Judge all 10,000 test images' })
    await judge.click()
    await page.getByRole('button', { name: 'Stop' }).click()
    await judge.click()
    await page.locator('.matrix button').first().waitFor()

    const expected = await evaluateModel(fashionMnist, site.model, site.images)
    expect(await page.locator('.accuracy').textContent()).toBe(`${(expected.accuracy * 100).toFixed(1)} %`)
    const matrix = await page
      .locator('.matrix tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => Array.from(row.querySelectorAll('td'), (cell) => Number(cell.textContent?.replace(',', '')))),
      )
    expect(matrix).toEqual(expected.confusionMatrix)
    const [shirt, coat] = [classNames.indexOf('Shirt'), classNames.indexOf('Coat')]
    const recall = page.locator('.class-table tbody tr').nth(shirt).locator('td').nth(1)
    expect(await recall.textContent()).toBe(expected.report.classes[shirt].recall.toFixed(3))

    await page.getByRole('button', { name: `${matrix[shirt][coat]} of Shirt taken for Coat` }).click()
    const taken = expected.wrong.filter((i) => site.images.labels[i] === shirt && expected.predicted[i] === coat)
    const surest = taken.reduce((a, b) => (expected.confidences[b] > expected.confidences[a] ? b : a))
    await page.getByText(`Test image ${surest}`, { exact: true }).waitFor()
    await page.getByText(`${taken.length} test images`).waitFor()
    await explained(page)
    await expect.poll(() => page.locator('.segments caption').textContent()).toContain('Coat')

    await page.getByRole('combobox', { name: 'Show', exact: true }).selectOption('All classes')
    await page.getByLabel('The network says').selectOption('Another class')
    await page.getByText(`${expected.wrong.length} test images`).waitFor()
    await page.getByLabel('Order').selectOption('The least confident first')
    await page.getByRole('listbox', { name: 'Test images' }).press('Home')
    const unsure = expected.wrong.reduce((a, b) => (expected.confidences[b] < expected.confidences[a] ? b : a))
    await page.getByText(`Test image ${unsure}`, { exact: true }).waitFor()
    await page.getByRole('link', { name: 'Judge' }).click()
    await page.getByRole('button', { name: 'See the most confident mistakes' }).click()
    const sure = expected.wrong.reduce((a, b) => (expected.confidences[b] > expected.confidences[a] ? b : a))
    await page.getByText(`Test image ${sure}`, { exact: true }).waitFor()
    // A number that is not among them shows all again.
    await pickNumber(
      page,
      expected.predicted.findIndex((label, i) => label === site.images.labels[i]),
    )
    await page.getByText('10,000 test images, none').waitFor()
    expect(complaints).toEqual([])
  })
})
