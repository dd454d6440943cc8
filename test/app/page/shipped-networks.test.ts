import { execFileSync } from 'node:child_process'
import type { Page } from 'playwright'
import { expect, test } from 'vitest'
import { loadModel } from '../../../src/engine/index.ts'
import { expectClose, explained, root, shownProbabilities, shownWeights, useSite } from './site.ts'

/** The networks that come with the page: the tutorial's, and the residual one, which is fetched when somebody asks for it. */

const site = useSite()
const file = `${root}models/fashion-resnet.safetensors`
const question = 'segmenter=felzenszwalb&samples=100&seed=4&explain='
const networks = (page: Page) => page.getByRole('combobox', { name: 'Network', exact: true })

test('the residual network is offered with its accuracy, and answers, explains and is judged as in Node', async () => {
  const { page, complaints } = await site.open(`?index=7270&${question}`)
  const residual = await loadModel(file)
  await residual.compile({ device: site.device })
  const accuracy = `${(100 * Number(residual.metadata.test_accuracy)).toFixed(1)} %`
  await expect
    .poll(() => networks(page).locator('option').allTextContents())
    .toEqual(['The tutorial’s (91.3 % right)', `A residual network (${accuracy} right)`])
  await networks(page).selectOption('resnet')
  const expected = await site.predicted(site.pixelsOf(7270), residual)
  await expect.poll(() => shownProbabilities(page)).toEqual(expected)
  expect(new URL(page.url()).search).toBe(`?index=7270&network=resnet&${question}`)

  const words = ['--index', '7270', '--segmenter', 'felzenszwalb', '--samples', '100', '--random-state', '4']
  const fixed = ['--random-seed', '4', '--device', 'cpu', '--json']
  const told = execFileSync(process.execPath, [`${root}dist/cli.js`, 'explain', '--model', file, ...words, ...fixed])
  await explained(page)
  const { explanation } = JSON.parse(told.toString())
  expect(await shownWeights(page)).toEqual(explanation[expected.indexOf(Math.max(...expected))].weights)

  await page.getByRole('link', { name: 'Judge' }).click()
  await page.getByRole('button', { name: 'Judge all 10,000 test images' }).click()
  expect(await page.locator('.accuracy').textContent()).toBe(accuracy)
  expect(complaints).toEqual([])
  residual.dispose()
})

test('two networks are compared on one picture, as an address says it', async () => {
  const right = 'right-network=resnet&right-segmenter=felzenszwalb&right-samples=100&right-seed=4&right-explain='
  const { page, complaints } = await site.open(`?view=compare&index=135&${question}&${right}`)
  const [tutorials, residuals] = [await shownWeights(page, 'left'), await shownWeights(page, 'right')]
  expect(residuals.map(([segment]) => segment).sort()).toEqual(tutorials.map(([segment]) => segment).sort())
  expect(residuals).not.toEqual(tutorials)
  expect(complaints).toEqual([])
})

test('a network that can’t be fetched is told of when somebody asks for it, and asked for again the next time', async () => {
  const { page } = await site.open('?index=3')
  const isResidual = (url: URL) => url.pathname.includes('fashion-resnet')
  await page.context().route(isResidual, (route) => route.abort())
  await networks(page).selectOption('resnet')
  await page.getByRole('alert').getByText("the residual network can't be fetched").waitFor()
  await networks(page).selectOption('tutorial')
  expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(3)))
  await page.context().unroute(isResidual)
  await networks(page).selectOption('resnet')
  const before = await site.predicted(site.pixelsOf(3))
  await expect.poll(() => shownProbabilities(page)).not.toEqual(before)
})
