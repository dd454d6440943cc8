/**
 * The work that everyone is given: the tutorial's network with the shipped weights, Fashion-MNIST's test images, and three
 * items. Runs in Node and in a browser; `readBytes` gets a file of the repository by its path.
 */

/** Direct convolution's count, whatever algorithm is used: GFLOP/s of Winograd are "effective" and may pass the ceiling. */
export const items = {
  forward: { title: 'forward', mflop: 29.8 },
  training: { title: 'training step', mflop: 89 },
  explanation: { title: 'explanation, felzenszwalb, brute force', mflop: 29.8 },
}

/** How much of it: the default, and for devices that are hundreds of times slower. */
export const amounts = {
  whole: { forward: 1000, training: 256, explanation: 1000 },
  small: { forward: 32, training: 32, explanation: 100 },
}

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
 * @property {Uint8Array} labels [10000]
 * @property {Map<string, {shape: number[], data: Float32Array}>} weights by Keras's names; kernels HWIO
 * @property {{forward: number, training: number, explanation: number}} amounts how much of each item
 */

/** @returns {Promise<Work>} */
export async function loadWork(readBytes) {
  const [weights, images, labels] = await Promise.all(Object.values(paths).map(readBytes))
  return {
    weights: parseWeights(weights),
    images: (await gunzip(images)).subarray(16),
    labels: (await gunzip(labels)).subarray(8),
  }
}

/** Bytes of images [first, first + count) as numbers in 0..1. */
export function asNumbers(images, first, count) {
  const numbers = new Float32Array(count * pixels)
  for (let i = 0; i < numbers.length; i++) numbers[i] = images[first * pixels + i] / 255
  return numbers
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
