import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LayersRecipe } from '../../src/app/page/contract/engine-api.ts'
import { requestOf } from '../../src/app/page/contract/explanation-settings.ts'
import { tutorialLayers } from '../../src/app/page/contract/layer-stack.ts'
import { readAddress } from '../../src/app/page/contract/page-address.ts'
import { explainPicture } from '../../src/app/page/worker/explaining.ts'
import { evaluateModel } from '../../src/app/tasks/evaluation.ts'
import { fashionMnist } from '../../src/app/tasks/fashion-mnist/task.ts'
import { pictureTask, statedImages } from '../../src/app/tasks/picture-task.ts'
import { loadModel, modelFromBytes } from '../../src/engine/index.ts'
import { BuiltSite, root } from '../app/page/built-site.ts'
import { photographExplainedInNode } from '../app/page/photograph-explained-in-node.ts'
import { trainedInNode } from '../app/page/trained-in-node.ts'
import { itWithModels, readModelFile } from '../shared-models.ts'
import { type Browser, until } from './browser.ts'

/**
 * One visit to the built page, as any browser must bear it. Every number must be Node's to the last bit: the engine's are
 * WebAssembly's and LIME's own, and nothing is left to what JavaScript engines may round as they like.
 */

/** Explanations by each segmenter, and by each way to choose how many samples. */
const explanations = [
  '?index=7270&segmenter=felzenszwalb&samples=1000&seed=3&explain=',
  '?index=21&segmenter=quickshift&kernel_size=1&samples=auto&seed=4&explain=',
  '?index=3&segmenter=slic&n_segments=12&samples=exact&hide-color=blur&explain=',
  '?index=3&method=shapley&segmenter=slic&n_segments=12&samples=300&seed=5&explain=',
]
const recipe: LayersRecipe = {
  layers: tutorialLayers,
  images: 320,
  epochs: 2,
  batchSize: 64,
  learningRate: 0.002,
  seed: 5,
}
const fields = {
  'Training images': recipe.images,
  Epochs: recipe.epochs,
  'Batch size': recipe.batchSize,
  'Learning rate': recipe.learningRate,
  'Random seed': recipe.seed,
}
/** Of a photograph's explanation. */
const samples = 60
/** What a file is called in addresses. */
const fileId = (bytes: Uint8Array) => `file-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`
const button = (name: string) => `//button[normalize-space()="${name}" and not(@disabled)]`

/** `threads`: whether the browser lets threads share memory. */
export function pageSuite(
  name: string,
  open: () => Promise<Browser>,
  { threads }: { readonly threads: boolean },
): void {
  describe(`the page in ${name}`, () => {
    const site = new BuiltSite()
    let browser: Browser
    let trained: Awaited<ReturnType<typeof trainedInNode>>

    beforeAll(async () => {
      await site.start()
      browser = await open()
      trained = await trainedInNode(site, recipe)
    })
    afterAll(async () => {
      await browser?.close()
      trained?.model.dispose()
      trained?.device.dispose()
      await site.stop()
    })

    /** LIMELIGHT_SCREENSHOTS=FOLDER keeps them, for people to look at. */
    async function screenshot(what: string): Promise<void> {
      const png = await browser.screenshot()
      expect(png.length).toBeGreaterThan(10_000)
      const folder = process.env.LIMELIGHT_SCREENSHOTS
      if (!folder) return
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, `${name}-${what}.png`.replaceAll(/[^\w.-]+/g, '-')), png)
    }

    afterEach(async ({ task }) => {
      if (task.result?.state !== 'fail') return
      console.error(await browser.evaluate(() => document.body.textContent?.slice(0, 4000)))
      await screenshot(`failed-${task.name.slice(0, 20)}`)
    })

    const device = () =>
      until(async () => {
        const text = await browser.evaluate(
          () => document.querySelector('.device-name strong')?.parentElement?.textContent,
        )
        return text ?? null
      }, 'a device')

    /** The ten numbers behind the bars, once they are those of the picture shown. */
    const probabilities = () =>
      until(async () => {
        await refuseAlerts()
        const shown = await browser.evaluate(() => {
          const cells = document.querySelectorAll('.probabilities[aria-busy="false"] td[data-probability]')
          return Array.from(cells, (cell) => Number(cell.getAttribute('data-probability')))
        })
        return shown.length === 10 ? shown : null
      }, 'probabilities')

    /** [segment, weight] as the table has them. */
    const weights = () =>
      until(async () => {
        await refuseAlerts()
        const shown = await browser.evaluate(() => {
          const rows = document.querySelectorAll(
            '[aria-labelledby="explanation-title-left"][aria-busy="false"] .segments tbody tr',
          )
          return Array.from(rows, (row) => [
            Number(row.getAttribute('data-segment')),
            Number(row.querySelector('[data-weight]')?.getAttribute('data-weight')),
          ])
        })
        return shown.length > 0 ? shown : null
      }, 'an explanation')

    /** Chooses a file in the field of this name. */
    const give = (field: string, name: string, bytes: Uint8Array) =>
      browser.evaluate(
        async (field, name, text) => {
          const find = () => document.querySelector<HTMLInputElement>(`input[type="file"][aria-label="${field}"]`)
          while (!find()) await new Promise((resolve) => setTimeout(resolve, 50))
          const input = find()
          if (!input) return
          const files = new DataTransfer()
          files.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name))
          input.files = files.files
          input.dispatchEvent(new Event('change', { bubbles: true }))
        },
        field,
        name,
        Buffer.from(bytes).toString('base64'),
      )

    async function refuseAlerts(): Promise<void> {
      const alerts = await browser.evaluate(() =>
        Array.from(document.querySelectorAll('[role="alert"]'), (alert) => alert.textContent),
      )
      expect(alerts.filter((text) => text !== '')).toEqual([])
    }

    async function expectExplained(search: string): Promise<void> {
      const { left } = readAddress(search, site.images.count)
      const pixels = site.pixelsOf(left.image ?? Number.NaN)
      const { attribution } = await explainPicture(
        site.model,
        pixels,
        requestOf(left.settings),
        new AbortController().signal,
        () => {},
      )
      expect(await probabilities()).toEqual(await site.predicted(pixels))
      expect(await weights()).toEqual(attribution.localExp[attribution.topLabels[0]])
    }

    test('opens, isolated, on the processor', async () => {
      await browser.goto(`${site.address}?index=135`)
      expect(await probabilities()).toEqual(await site.predicted(site.pixelsOf(135)))
      expect(await browser.evaluate(() => crossOriginIsolated)).toBe(true)
      expect(await device()).toMatch(
        threads ? /cpu — WebAssembly SIMD, \d+ threads/ : /cpu — WebAssembly SIMD, one thread/,
      )
    })

    test.each(explanations)('explains %s', async (search) => {
      await browser.goto(`${site.address}${search}`)
      await expectExplained(search)
      await screenshot(`explain-${new URLSearchParams(search).get('segmenter')}`)
    })

    itWithModels('explains a photograph of one’s own by a network of one’s own', async () => {
      const network = readModelFile('cifar10-resnet-float.tflite')
      const picture = await readFile(`${root}src/app/page/photograph/first-pictures/coffee.jpg`)
      // A link that asks for both explains as soon as both are there, whichever comes first.
      const ids = `picture=${fileId(picture)}&network=${fileId(network)}`
      await browser.goto(`${site.address}?mode=photograph&${ids}&scale=1&samples=${samples}&explain=`)
      await give('A photograph of your own', 'breakfast.jpg', picture)
      await give('A network of your own', 'small.tflite', network)

      const model = await loadModel(network)
      const task = pictureTask(model, statedImages(model), { scale: 1 })
      const { attribution, predicted } = await photographExplainedInNode(site.device, model, task, picture, samples)
      const { labels, localExp } = attribution
      expect(await weights()).toEqual(localExp[labels[0]])
      const shown = await browser.evaluate(() => ({
        classes: Array.from(document.querySelectorAll('.top-classes td'), (cell) =>
          Number(cell.getAttribute('data-probability')),
        ),
        picture: document.querySelector('canvas.overlay')?.getAttribute('aria-label'),
        colours: (() => {
          const canvas = document.querySelector<HTMLCanvasElement>('canvas.overlay')
          const { data = [] } = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {}
          return new Set(Array.from(data.slice(0, 40_000), (value, i) => (i % 4 === 1 ? value : 0))).size
        })(),
      }))
      expect(shown.classes).toEqual(labels.slice(0, 5).map((label) => predicted[label]))
      expect(shown.picture).toMatch(/^breakfast\.jpg, explained\. Segments for /)
      expect(shown.colours).toBeGreaterThan(50)
      await screenshot('photograph')
    })

    test('trains, and draws how it goes', async () => {
      await browser.goto(`${site.address}?view=train`)
      for (const [label, value] of Object.entries(fields))
        await browser.fill(`//label[starts-with(normalize-space(), "${label}")]/input`, String(value))
      const typed = await browser.evaluate(() =>
        Array.from(document.querySelectorAll<HTMLInputElement>('.recipe input'), ({ value }) => value),
      )
      expect(typed).toEqual(Object.values(fields).map(String))
      await browser.press(button('Train'))
      await until(async () => {
        await refuseAlerts()
        return (await browser.evaluate(() => document.querySelector('[data-phase="done"]') !== null)) || null
      }, 'the end of the training')
      expect(await browser.evaluate(() => document.querySelectorAll('.learning .line-chart canvas').length)).toBe(2)
      const losses = await browser.evaluate(() =>
        Array.from(document.querySelectorAll('.epochs tbody td:nth-child(2)'), (cell) => cell.textContent),
      )
      expect(losses).toEqual(trained.log.map(({ loss }) => loss.toFixed(4)))
      await screenshot('train')
    })

    test('keeps what was trained, all weights to the last bit', async () => {
      const bytes = await until(() => browser.evaluate(keptNetwork), 'the network kept')
      expect(modelFromBytes(Uint8Array.from(bytes)).weights).toEqual(trained.model.weights)
    })

    test('judges all test images', async () => {
      await browser.goto(`${site.address}?view=judge`)
      await browser.press(button('Judge all 10,000 test images'))
      const matrix = await until(async () => {
        await refuseAlerts()
        const rows = await browser.evaluate(() =>
          Array.from(document.querySelectorAll('.matrix tbody tr'), (row) =>
            Array.from(row.querySelectorAll('td'), (cell) => Number(cell.textContent?.replace(',', ''))),
          ),
        )
        return rows.length > 0 ? rows : null
      }, 'the confusion matrix')
      expect(matrix).toEqual((await evaluateModel(fashionMnist, site.model, site.images)).confusionMatrix)
      await screenshot('judge')
    })

    test('has the trained network after a reload', async () => {
      await browser.goto(`${site.address}?index=4&network=own`)
      await browser.reload()
      expect(await probabilities()).toEqual(await site.predicted(site.pixelsOf(4), trained.model))
    })

    test('needs no network after the first visit', async () => {
      await browser.evaluate(async () => {
        const { active } = await navigator.serviceWorker.ready
        while (active?.state !== 'activated') await new Promise((resolve) => setTimeout(resolve, 20))
      })
      await site.closeServer()
      await browser.reload()
      expect(await probabilities()).toEqual(await site.predicted(site.pixelsOf(4), trained.model))
      const [search] = explanations
      await browser.goto(`${site.address}${search}`)
      await expectExplained(search)
      await screenshot('offline')
    })

    test('had nothing to complain of', () => expect(browser.complaints).toEqual([]))
  })
}

/** The safetensors file that the page keeps in the browser; null while there is none. Runs in the page. */
async function keptNetwork(): Promise<number[] | null> {
  const answer = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const database = await answer(indexedDB.open('limelight'))
  const bytes = await answer<Uint8Array | undefined>(database.transaction('kept').objectStore('kept').get('network'))
  database.close()
  return bytes ? Array.from(bytes) : null
}
