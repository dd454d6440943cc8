/**
 * The work that everyone is given: the tutorial's network with the shipped weights, Fashion-MNIST's test images, and the
 * items that are measured. Runs in Node and in a browser; `readBytes` gets a file of the repository by its path.
 */

import { noise } from './noise.mjs'

/** MFLOP an image. Direct convolution's count, whatever algorithm is used: GFLOP/s of Winograd are "effective". */
const mflop = { forward: 29.8, training: 89, explanation: 29.8, convolution: 21.7 }

/**
 * @typedef {object} Item
 * @property {string} name
 * @property {string} title
 * @property {'forward'|'training'|'explanation'|'convolution'} kind
 * @property {number} count images, or an explanation's samples
 * @property {number} mflop an image
 * @property {boolean} [memory] its processes' peaks of resident memory are noted
 * @property {boolean} [counted] what it asks of WebGPU is counted
 * @property {boolean} [inChart] false where only ours stands, or little is to be seen
 * @property {boolean} [cold] each run is in a process or page of its own, where nothing is compiled or remembered yet: from
 * opening the device to the first result, the library being loaded
 */

function item(name, kind, count, title, more) {
  return { name, title, kind, count, mflop: mflop[kind], ...more }
}

const explanationTitle = 'explanation, felzenszwalb, every sample computed'

/** @type {Record<string, Item[]>} by device */
const items = {
  cpu: [
    item('forward', 'forward', 1000, 'forward'),
    item('training', 'training', 256, 'training step'),
    item('explanation', 'explanation', 1000, explanationTitle),
  ],
  webgpu: [
    item('forward-1', 'forward', 1, 'forward, 1 image', { inChart: false }),
    item('forward-32', 'forward', 32, 'forward, 32 images', { counted: true }),
    item('forward-1000', 'forward', 1000, 'forward, 1,000 images'),
    item('training-32', 'training', 32, 'training step of 32', { counted: true }),
    item('training-256', 'training', 256, 'training step of 256'),
    item('convolution', 'convolution', 32, 'the second convolution alone, 32 images'),
    item('cold-forward', 'forward', 32, 'cold: opening, then forward of 32', { cold: true }),
    item('cold-training', 'training', 32, 'cold: opening, then a training step of 32', { cold: true }),
    item('explanation-1000', 'explanation', 1000, `${explanationTitle}, 1,000 samples`, { inChart: false }),
    item('explanation-20000', 'explanation', 20_000, `${explanationTitle}, 20,000 samples`, { inChart: false }),
  ],
  reference: [
    item('forward', 'forward', 32, 'forward'),
    item('training', 'training', 32, 'training step'),
    item('explanation', 'explanation', 100, explanationTitle),
  ],
}

export const devices = Object.keys(items)

/** @returns {Item[]} */
export const itemsOn = (device) => items[device]

export const pixels = 28 * 28
export const classes = 10
export const explainedImage = 7270

export const paths = {
  weights: 'models/fashion-cnn.safetensors',
  images: 'src/app/data/fashion-mnist/t10k-images-idx3-ubyte.gz',
  labels: 'src/app/data/fashion-mnist/t10k-labels-idx1-ubyte.gz',
}

/**
 * @typedef {object} Work
 * @property {Uint8Array} images [10000, 28, 28, 1], bytes
 * @property {number} imageSize of one of them
 * @property {Uint8Array} labels [10000]
 * @property {Map<string, {shape: number[], data: Float32Array}>} weights by Keras's names; kernels HWIO
 */

/** @returns {Promise<Work>} */
export async function loadWork(readBytes) {
  const [weights, images, labels] = await Promise.all(Object.values(paths).map(readBytes))
  return {
    weights: parseWeights(weights),
    images: (await gunzip(images)).subarray(16),
    imageSize: pixels,
    labels: (await gunzip(labels)).subarray(8),
  }
}

/** Bytes of images [first, first + count) as numbers in 0..1. */
export function asNumbers(images, first, count) {
  const numbers = new Float32Array(count * pixels)
  for (let i = 0; i < numbers.length; i++) numbers[i] = images[first * pixels + i] / 255
  return numbers
}

export const convolutionShape = [28, 28, 48]

/** What the second convolution alone is given, [count, 28, 28, 48]. */
export function convolutionInput(count) {
  return noise(count * convolutionShape.reduce((product, extent) => product * extent), [0, 1])
}

/** [N, rows, columns] -> [N, columns, rows]: channels last to channels first, and back. */
export function transposed(numbers, rows, columns) {
  const result = new Float32Array(numbers.length)
  for (let first = 0; first < numbers.length; first += rows * columns)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        result[first + column * rows + row] = numbers[first + row * columns + column]
  return result
}

/** The network's weights in order, for libraries that keep Keras's layout. */
export function keras({ weights }) {
  const layer = (name) => ({ kernel: weights.get(`${name}/kernel`), bias: weights.get(`${name}/bias`) })
  return { convolutions: ['conv2d', 'conv2d_1', 'conv2d_2'].map(layer), dense: layer('dense') }
}

/** The same for libraries with channels first: kernels OIHW, the dense kernel's rows in the order of an NCHW flatten. */
export function channelsFirst(work) {
  const { convolutions, dense } = keras(work)
  const [inputs, units] = dense.kernel.shape
  const channels = convolutions[convolutions.length - 1].bias.shape[0]
  const places = inputs / channels
  const rows = new Float32Array(inputs * units)
  for (let place = 0; place < places; place++)
    for (let channel = 0; channel < channels; channel++)
      for (let unit = 0; unit < units; unit++)
        rows[(channel * places + place) * units + unit] = dense.kernel.data[(place * channels + channel) * units + unit]
  return {
    convolutions: convolutions.map(({ kernel, bias }) => ({ kernel: outputFirst(kernel), bias })),
    dense: { kernel: { shape: [inputs, units], data: rows }, bias: dense.bias },
  }
}

/** HWIO -> OIHW. */
function outputFirst({ shape: [height, width, ins, outs], data }) {
  const kernel = new Float32Array(data.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let i = 0; i < ins; i++)
        for (let o = 0; o < outs; o++)
          kernel[((o * ins + i) * height + y) * width + x] = data[((y * width + x) * ins + i) * outs + o]
  return { shape: [outs, ins, height, width], data: kernel }
}

/** safetensors: a length, a JSON header, the numbers. */
function parseWeights(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = 8 + Number(view.getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)))
  delete header.__metadata__
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          shape,
          data_offsets: [first, end],
        },
      ]) => [name, { shape, data: new Float32Array(bytes.slice(start + first, start + end).buffer) }],
    ),
  )
}

async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
