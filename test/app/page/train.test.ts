import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright'
import { describe, expect, test } from 'vitest'
import { recipes } from '../../../src/app/networks/recipes.ts'
import type { LayersRecipe, NamedRecipe } from '../../../src/app/page/contract/engine-api.ts'
import { recipes as offered } from '../../../src/app/page/train/recipes.ts'
import { modelFromBytes, modelToBytes, Sequential } from '../../../src/engine/index.ts'
import { expectClose, explained, root, shownProbabilities, useSite } from './site.ts'
import { trainedInNode } from './trained-in-node.ts'

/** Training as a person does it on the page, against the same training in Node. */

const site = useSite()

const images = 640
const recipe: LayersRecipe = {
  layers: [{ kind: 'conv2d', filters: 8, kernelSize: 3 }, { kind: 'maxPooling2d' }],
  images,
  epochs: 3,
  batchSize: 64,
  learningRate: 0.002,
  seed: 5,
}

/** Sets the small recipe above: takes the tutorial's layers away, and adds these. */
async function setRecipe(page: Page, { epochs = recipe.epochs } = {}): Promise<void> {
  for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'Remove layer 1', exact: true }).click()
  await addLayer(page, 'Convolution')
  await page.getByLabel('Filters of layer 1').selectOption('8')
  await addLayer(page, 'Max pooling')
  await page.getByText('15,770 parameters.').waitFor()
  await page.getByLabel('Training images').fill(String(images))
  await page.getByLabel('Epochs', { exact: true }).fill(String(epochs))
  await page.getByLabel('Batch size').fill(String(recipe.batchSize))
  // Key by key, as people do: on the way it is "0", "0.", "0.0" and "0.00".
  await page.getByLabel('Learning rate').fill('')
  await page.getByLabel('Learning rate').pressSequentially(String(recipe.learningRate))
  await page.getByLabel('Random seed').fill(String(recipe.seed))
}

async function addLayer(page: Page, title: string): Promise<void> {
  await page.getByRole('button', { name: 'Add a layer' }).click()
  await page.getByRole('menuitem', { name: title }).click()
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const phase = (page: Page, name: string) => page.locator(`[data-phase="${name}"]`).waitFor()

/** The losses in the table of epochs. */
const losses = (page: Page) =>
  page.locator('.epochs tbody tr td:nth-child(2)').evaluateAll((cells) => cells.map((cell) => Number(cell.textContent)))

describe('training on the page', () => {
  test('on a phone shows how it goes above the form as soon as it begins, and the keyboard finds it first', async () => {
    const { page, complaints } = await site.open('?view=train')
    await page.setViewportSize({ width: 390, height: 844 })
    const titles = () => page.locator('main > .panel > h2').allTextContents()
    expect(await titles()).toEqual(['Train a network of your own', 'How it goes'])
    await setRecipe(page, { epochs: 90 })
    await press(page, 'Train')
    await page.locator('.course .facts').waitFor()
    await press(page, 'Pause')
    await phase(page, 'paused')
    expect(await titles()).toEqual(['How it goes', 'Train a network of your own'])
    for (const what of ['#course-title', '.course .facts']) {
      const { y = -1, height = 0 } = (await page.locator(what).boundingBox()) ?? {}
      expect(y, what).toBeGreaterThanOrEqual(0)
      expect(y + height, what).toBeLessThanOrEqual(844)
    }
    await page.locator('#course-title').focus()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Resume')
    await press(page, 'Stop')
    await phase(page, 'stopped')
    expect(complaints).toEqual([])
  })

  test('learns as the library does, shows how, and the network explains, judges and can be saved', async () => {
    const { page, complaints } = await site.open('?view=train')
    await setRecipe(page)
    await press(page, 'Train')
    await phase(page, 'done')

    const { model, log, device } = await trainedInNode(site, recipe)
    expectClose(
      await losses(page),
      log.map(({ loss }) => loss),
      1e-3,
    )
    const validated = await page
      .locator('.epochs tbody tr td:nth-child(5)')
      .evaluateAll((cells) => cells.map((cell) => cell.textContent))
    expect(validated).toEqual(log.map(({ valAccuracy = 0 }) => `${(100 * valAccuracy).toFixed(1)} %`))
    expect(await page.locator('.learning .line-chart canvas').count()).toBe(2)
    // The three pictures that are watched were explained, and one can look back at the first time.
    expect(await page.locator('.watched li .mark').allTextContents()).not.toContain('')
    await page.getByLabel('Look back').fill('0')
    await page.getByText('epoch 1, step 0').waitFor()

    const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Save weights')])
    expect(download.suggestedFilename()).toBe('limelight-network.safetensors')
    const saved = modelFromBytes(await readFile(await download.path()))
    expect(saved.weights.map(({ name }) => name)).toEqual(model.weights.map(({ name }) => name))
    saved.weights.forEach(({ data }, i) => expectClose(Array.from(data), Array.from(model.weights[i].data), 1e-3))
    expect(JSON.parse(saved.metadata.log)).toHaveLength(3)

    await press(page, 'Explain with it')
    expect(await page.getByRole('combobox', { name: 'Network', exact: true }).inputValue()).toBe('own')
    await expect.poll(() => new URL(page.url()).searchParams.get('network')).toBe('own')
    const { data } = await model.predict({ data: site.pixelsOf(135), shape: [1, 28, 28, 1], scale: 1 / 255 })
    expectClose(await shownProbabilities(page), Array.from(data), 1e-3)
    // It is there after a reload, and the address still means it.
    await page.reload()
    expectClose(await shownProbabilities(page), Array.from(data), 1e-3)
    expect(complaints).toEqual([])
    model.dispose()
    device.dispose()
  })

  test('pauses, goes step by step, resumes, and stops', async () => {
    const { page } = await site.open('?view=train')
    await setRecipe(page, { epochs: 100 })
    await press(page, 'Train')
    await page.locator('.course .facts').waitFor()
    await press(page, 'Pause')
    await phase(page, 'paused')
    const stepsDone = async () => {
      const text = (await page.locator('.course .facts').textContent()) ?? ''
      const [, epoch, step] = /Epoch(\d+) of 100Step(\d+) of 10/.exec(text) ?? []
      return (Number(epoch) - 1) * 10 + Number(step)
    }
    const before = await stepsDone()
    await press(page, 'One step')
    await expect.poll(stepsDone).toBe(before + 1)
    await press(page, 'One step')
    await expect.poll(stepsDone).toBe(before + 2)
    await page.waitForTimeout(300)
    expect(await stepsDone()).toBe(before + 2)
    await press(page, 'Resume')
    await expect.poll(stepsDone).toBeGreaterThan(before + 12)
    await press(page, 'Stop')
    await page.getByText('Stopped; the network stays as it is.').waitFor()
    const after = await stepsDone()
    await page.waitForTimeout(300)
    expect(await stepsDone()).toBe(after)
    // Another can begin at once.
    await page.getByLabel('Epochs', { exact: true }).fill('1')
    await press(page, 'Train')
    await phase(page, 'done')
  })

  test('whose last events arrive late has ended all the same, done or stopped', async () => {
    const { page } = await site.open('?view=train')
    // What the Worker tells while it trains comes on a port of its own; the training's end does not.
    await page.addInitScript(() => {
      const add = MessagePort.prototype.addEventListener
      MessagePort.prototype.addEventListener = function (this: MessagePort, type: string, listener: unknown) {
        if (typeof listener !== 'function') throw new Error('expected a function')
        add.call(this, type, (event) => void setTimeout(() => listener.call(this, event), 700))
      }
    })
    await page.goto(`${site.address}?view=train`)
    await page.locator('.device-name strong').waitFor()
    await setRecipe(page, { epochs: 1 })
    await press(page, 'Train')
    await page.locator('.epochs tbody tr').waitFor()
    await phase(page, 'done')
    await page.waitForTimeout(1000)
    await phase(page, 'done')
    await page.getByLabel('Epochs', { exact: true }).fill('100')
    await press(page, 'Train')
    await page.locator('.course .facts').waitFor()
    await press(page, 'Pause')
    await phase(page, 'paused')
    await press(page, 'One step')
    await page.waitForTimeout(50)
    await press(page, 'Stop')
    await phase(page, 'stopped')
    await page.waitForTimeout(1000)
    await phase(page, 'stopped')
  })

  test('goes on after a reload as if nothing had happened, and moves to another device midway', async () => {
    const { page, complaints } = await site.open('?view=train')
    // Long enough not to have ended by the time the pause is pressed.
    const long = { ...recipe, epochs: 20 }
    await setRecipe(page, long)
    await press(page, 'Train')
    await expect.poll(async () => (await losses(page)).length).toBeGreaterThanOrEqual(1)
    // A pause keeps everything, wherever it falls.
    await press(page, 'Pause')
    await phase(page, 'paused')
    await page.reload()
    await page.getByText('A training was cut off in epoch').waitFor()
    await press(page, 'Go on')
    await page.getByLabel('Compute on').selectOption('cpu')
    await phase(page, 'done')
    const { log, model, device } = await trainedInNode(site, long)
    expectClose(
      await losses(page),
      log.map(({ loss }) => loss),
      1e-3,
    )
    await page.reload()
    await page.getByText('There is none yet').or(page.getByText('It stays in this browser')).waitFor()
    expect(await page.getByText('A training was cut off').count()).toBe(0)
    expect(complaints).toEqual([])
    model.dispose()
    device.dispose()
  })

  test('trains the residual network by its recipe, goes on after a reload, and explains with it', async () => {
    const { page, complaints } = await site.open('?view=train')
    await page.getByLabel('What is trained').selectOption('resnet')
    await page.getByText('77,754 parameters.').waitFor()
    expect(await page.getByLabel('Learning rate').count()).toBe(0)
    await page.getByText('Shapes and parameters').click()
    const shortcut = page.locator('.layer-table tr', { hasText: /^add_1/ })
    expect(await shortcut.locator('th, td').allTextContents()).toEqual([
      'add_1of batch_normalization_4 and batch_normalization_5',
      '14 × 14 × 32',
      '0',
    ])
    const residual: NamedRecipe = { network: 'resnet', images: 160, epochs: 2, batchSize: 32, seed: 5 }
    // Each takes a second to explain with a network whose samples share nothing.
    for (const watched of [135, 0, 12]) await press(page, `Stop watching image ${watched}`)
    await page.getByLabel('Training images').fill(String(residual.images))
    await page.getByLabel('Epochs', { exact: true }).fill(String(residual.epochs))
    await page.getByLabel('Batch size').fill(String(residual.batchSize))
    await page.getByLabel('Random seed').fill(String(residual.seed))
    await press(page, 'Train')
    await page.locator('.course .facts').waitFor()
    await press(page, 'Pause')
    await phase(page, 'paused')
    await page.reload()
    await page.getByText('A training was cut off in epoch').waitFor()
    await press(page, 'Go on')
    await phase(page, 'done')

    const { model, log, device } = await trainedInNode(site, residual)
    expectClose(
      await losses(page),
      log.map(({ loss }) => loss),
      1e-3,
    )
    const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Save weights')])
    const saved = modelFromBytes(await readFile(await download.path()))
    expect(saved.summary()).toBe(model.summary())
    saved.weights.forEach(({ data }, i) => expectClose(Array.from(data), Array.from(model.weights[i].data), 1e-3))
    expect(saved.metadata.optimizer).toContain('sgd learningRate={"schedule":"cosineDecay"')
    await press(page, 'Explain with it')
    expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(135), model), 1e-3)
    await explained(page)
    // The layers that were put together are still there.
    await page.getByRole('link', { name: 'Train' }).click()
    await page.getByLabel('What is trained').selectOption('layers')
    await page.getByText('144,410 parameters.').waitFor()
    expect(complaints).toEqual([])
    model.dispose()
    device.dispose()
  })

  test('offers the whole trainings that the command has', () => {
    for (const [kind, { epochs, batchSize }] of [
      ['layers', recipes.tutorial],
      ['resnet', recipes.resnet],
    ] as const)
      expect(offered[kind].whole).toMatchObject({ epochs, batchSize })
  })

  test('says what is no network, and which file is none, and keeps what there was', async () => {
    const { page, complaints } = await site.open('?view=train')
    for (let i = 0; i < 5; i++) await addLayer(page, 'Max pooling')
    await page.getByText('This is no network yet').waitFor()
    expect(await page.getByRole('button', { name: 'Train', exact: true }).isDisabled()).toBe(true)
    const weights = page.getByLabel('A file of weights')
    const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/octet-stream', buffer })
    await weights.setInputFiles(file('notes.safetensors', Buffer.from('not a network')))
    await page.getByRole('alert').getByText("notes.safetensors can't be opened as a network").waitFor()
    const wide = new Sequential({ inputShape: [8, 8, 1] }, [
      { layer: 'flatten' },
      { layer: 'dense', units: 10, activation: 'softmax' },
    ])
    await weights.setInputFiles(file('wide.safetensors', Buffer.from(modelToBytes(wide))))
    await page.getByRole('alert').getByText('expected one from [28,28,1] to two classes or more').waitFor()
    await page.getByText('There is none yet').waitFor()

    await weights.setInputFiles(`${root}models/fashion-cnn.safetensors`)
    await page.getByText('144,410 parameters').first().waitFor()
    await press(page, 'Explain with it')
    expectClose(await shownProbabilities(page), await site.predicted(site.pixelsOf(135)))
    expect(complaints).toEqual([])
  })
})
