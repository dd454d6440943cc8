/**
 * Trains a network: it learns to tell pictures with a bright row from those with a bright column. `node examples/train.mjs FILE`
 * also saves it.
 */
import { adam, conv2d, dense, flatten, openDevice, sequential } from 'limelight'

const count = 512
const extent = 12
const pixels = new Uint8Array(count * extent * extent)
const labels = Uint8Array.from({ length: count }, (_, i) => i % 2)
for (let i = 0; i < count; i++) {
  // Picture i has one bright line, over some grey noise; it lies where i says.
  const line = (i * 7) % extent
  for (let at = 0; at < extent * extent; at++) {
    const isOnLine = labels[i] === 0 ? Math.floor(at / extent) === line : at % extent === line
    pixels[i * extent * extent + at] = isOnLine ? 255 : (i * 31 + at * 17) % 64
  }
}
const images = { data: pixels, shape: [count, extent, extent, 1], scale: 1 / 255 }

const device = await openDevice('auto')
const model = sequential({ inputShape: [extent, extent, 1], seed: 1 }, [
  conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' }),
  flatten(),
  dense({ units: 2, activation: 'softmax' }),
])
console.log(model.summary())
await model.compile({ device, optimizer: adam(), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
await model.fit(images, labels, {
  batchSize: 32,
  epochs: 4,
  onEpochEnd: ({ epoch, loss }) => console.log(`Epoch ${epoch}: loss ${loss.toFixed(4)}`),
})
const { accuracy } = await model.evaluate(images, labels)
console.log(`Accuracy ${accuracy.toFixed(3)} on ${device.info.adapter}`)
const [, , file] = process.argv
if (file) await model.save(file)
model.dispose()
device.dispose()
