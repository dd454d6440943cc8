import type { Locator, Page } from 'playwright'
import { exportOnnx, Sequential } from '../../../src/engine/index.ts'
import { dropFiles } from './dropped-files.ts'

/** A network for photographs as somebody may bring it. */

export const classNames = ['cup', 'saucer', 'spoon', 'table']

/** Its file says neither how it takes pixels nor what its classes are called. */
export const ownNetwork = (seed = 7) =>
  exportOnnx(
    new Sequential({ inputShape: [64, 96, 3], seed }, [
      { layer: 'conv2d', filters: 4, kernelSize: 3, activation: 'relu' },
      { layer: 'maxPooling2d' },
      { layer: 'flatten' },
      { layer: 'dense', units: classNames.length, activation: 'softmax' },
    ]),
  )

/** Drops it with the names of its classes, and answers what its file does not say. */
export async function bringNetwork(page: Page): Promise<void> {
  await dropFiles(page, [
    ['mine.onnx', await ownNetwork()],
    ['mine.txt', Buffer.from(classNames.join('\n'))],
  ])
  await describeNetwork(page)
}

export async function describeNetwork(within: Page | Locator): Promise<void> {
  await within.getByText('Its file does not say how it takes pixels.').waitFor()
  await within.getByLabel('It takes a pixel as').selectOption('0 to 1')
  await within.getByRole('button', { name: 'Use it so' }).click()
}
