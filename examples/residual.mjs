/** Writes a residual network as a graph, with batch norms and random shifts, and trains it to tell crosses from rings. */
import {
  activation,
  add,
  averagePooling2d,
  batchNormalization,
  conv2d,
  dense,
  flatten,
  input,
  model,
  openDevice,
  randomTranslation,
  sgd,
} from 'limelight'

const [count, extent] = [256, 12]
const labels = Uint8Array.from({ length: count }, (_, i) => i % 2)
const pixels = Uint8Array.from({ length: count * extent * extent }, (_, at) => {
  const [i, y, x] = [Math.floor(at / extent ** 2), Math.floor(at / extent) % extent, at % extent]
  const [down, right] = [y - 5 - (i % 3), x - 4 - (i % 5)]
  const isBright = labels[i] === 0 ? down * right === 0 : Math.round(Math.hypot(down, right)) === 3
  return isBright && Math.abs(down) < 4 && Math.abs(right) < 4 ? 255 : (at * 31) % 50
})

/** Its averages follow fast: this training has few steps. */
const normalise = () => batchNormalization({ momentum: 0.9 })

/** Two convolutions beside a shortcut. A layer that halves the images has a convolution there, too. */
function block(x, filters, strides = 1) {
  const convolve = (kernelSize, by) => conv2d({ filters, kernelSize, strides: by, padding: 'same', useBias: false })
  const inner = x.through(convolve(3, strides), normalise(), activation('relu'), convolve(3, 1), normalise())
  const shortcut = strides === 1 ? x : x.through(convolve(1, strides), normalise())
  return add([inner, shortcut]).through(activation('relu'))
}

const image = input({ shape: [extent, extent, 1] })
const stem = image.through(
  randomTranslation({ heightFactor: 0.1, widthFactor: 0.1, fillMode: 'nearest' }),
  conv2d({ filters: 8, kernelSize: 3, padding: 'same', useBias: false }),
  normalise(),
  activation('relu'),
)
const last = block(block(stem, 8), 16, 2)
const outputs = last.through(averagePooling2d({ poolSize: 6 }), flatten(), dense({ units: 2, activation: 'softmax' }))
const network = model({ inputs: image, outputs, seed: 1 })
console.log(network.summary())

const device = await openDevice('auto')
await network.compile({ device, optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }), metrics: ['accuracy'] })
const images = { data: pixels, shape: [count, extent, extent, 1], scale: 1 / 255 }
await network.fit(images, labels, { batchSize: 32, epochs: 8 })
const { accuracy } = await network.evaluate(images, labels)
console.log(`Accuracy ${accuracy.toFixed(3)} on ${device.info.adapter}`)
network.dispose()
device.dispose()
