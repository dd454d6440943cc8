/** The networks that are measured, where their files come from, and what is asked of them. */
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pictureAt } from '../picture.mjs'
import { efficientNetB0 } from './efficientnet-b0.mjs'
import { tensorsAndNodes } from './onnx-graph.mjs'
import { randomResnet50 } from './resnet50.mjs'
import { vitTiny } from './vit-tiny.mjs'

/**
 * @typedef {object} KnownNetwork
 * @property {string} name
 * @property {string} title
 * @property {number} mflop an image, as `limelight inspect` counts them
 * @property {'onnx'|'tfjs'} format
 * @property {number[]} shape of one input, in the order of the file
 * @property {number} [amplitude] of the inputs' numbers, 1
 * @property {boolean} [isExplained] a picture is explained, which is its second file: bytes [height, width, channels]
 * @property {string} [forPyTorch] a file with the same network, as onnx-graph.mjs writes it
 * @property {(models: string, folder: string) => Promise<string[]> | string[]} provide puts its files from the models' folder into
 * another, and gives their names, the model itself first
 */

/** @type {KnownNetwork[]} */
export const networks = [
  {
    name: 'mobilenet-v2',
    title: 'MobileNetV2',
    mflop: 615,
    format: 'onnx',
    shape: [3, 224, 224],
    provide: (models, folder) => [copied(models, folder, 'mobilenet-v2.onnx')],
  },
  {
    name: 'squeezenet',
    title: 'SqueezeNet 1.0',
    mflop: 1652,
    format: 'onnx',
    shape: [3, 224, 224],
    amplitude: 128,
    provide: (models, folder) => [copied(models, folder, 'squeezenet.onnx')],
  },
  {
    name: 'resnet50',
    title: 'ResNet-50',
    mflop: 8218,
    format: 'onnx',
    shape: [3, 224, 224],
    async provide(models, folder) {
      const light = readFileSync(present(models, 'onnx-light/light_resnet50.onnx'))
      return [written(folder, 'resnet50.onnx', await randomResnet50(light))]
    },
  },
  {
    name: 'efficientnet-b0',
    title: 'EfficientNet-B0',
    mflop: 802,
    format: 'onnx',
    shape: [224, 224, 3],
    provide: async (_models, folder) => [written(folder, 'efficientnet-b0.onnx', await efficientNetB0())],
  },
  {
    name: 'vit-tiny',
    title: 'ViT-tiny',
    mflop: 2521,
    format: 'onnx',
    shape: [224, 224, 3],
    provide: async (_models, folder) => [written(folder, 'vit-tiny.onnx', await vitTiny())],
  },
  {
    name: 'moderation-graph',
    title: 'MobileNetV2 1.4 of nsfwjs, a graph model',
    mflop: 1180,
    format: 'tfjs',
    shape: [224, 224, 3],
    provide: folderOf('moderation-graph'),
  },
  {
    name: 'moderation-layers',
    title: 'MobileNetV2 of nsfwjs, of layers',
    mflop: 620,
    format: 'tfjs',
    shape: [224, 224, 3],
    provide: folderOf('moderation-layers'),
  },
  {
    name: 'darknet-tiny',
    title: 'Darknet tiny',
    mflop: 994,
    format: 'tfjs',
    shape: [224, 224, 3],
    provide: folderOf('darknet-tiny'),
  },
  {
    name: 'chelsea',
    title: 'explanation of chelsea by MobileNetV2',
    mflop: 615,
    format: 'onnx',
    shape: [3, 224, 224],
    isExplained: true,
    forPyTorch: 'mobilenet-v2.safetensors',
    async provide(models, folder) {
      written(folder, this.forPyTorch, await tensorsAndNodes(readFileSync(present(models, 'mobilenet-v2.onnx'))))
      const { data } = pictureAt(present(models, '../photos/chelsea.png'), 224)
      const picture = Uint8Array.from(data, (value) => Math.round(255 * value))
      return [copied(models, folder, 'mobilenet-v2.onnx'), written(folder, 'chelsea.rgb', picture)]
    },
  },
]

function copied(models, folder, path) {
  const name = basename(path)
  copyFileSync(present(models, path), join(folder, name))
  return name
}

/** A model and the weights beside it. */
function folderOf(name) {
  return (models, folder) => {
    cpSync(present(models, name), join(folder, name), { recursive: true })
    const weights = readdirSync(join(folder, name)).filter((file) => file !== 'model.json')
    return ['model.json', ...weights].map((file) => `${name}/${file}`)
  }
}

function written(folder, name, bytes) {
  writeFileSync(join(folder, name), bytes)
  return name
}

/** @throws {Error} where it isn't */
function present(models, path) {
  const whole = join(models, path)
  if (!existsSync(whole)) throw new Error(`there is no ${path} in the models' folder`)
  return whole
}

/** On a WebGPU adapter that computes on the processor a batch of 16 takes too long. */
const batches = { cpu: 16, webgpu: 8 }

/** @returns {(import('../work.mjs').Item & { what: string })[]} what is asked of a network on a device; `what` it is, in a word */
export function itemsOf({ name, title, mflop, isExplained }, device) {
  const item = (what, kind, count, words, more) => ({
    what,
    name: `${name}-${what}-${count}`,
    title: `${title}, ${words}`,
    kind,
    count,
    mflop,
    memory: true,
    ...more,
  })
  if (isExplained) return device === 'cpu' ? [item('explanation', 'explanation', 1000, '1,000 samples')] : []
  const batch = batches[device]
  return [
    item('latency', 'forward', 1, 'one image'),
    item('throughput', 'forward', batch, `${batch} images`),
    item('loading', 'forward', 1, 'from its bytes to the first outputs', { cold: true, inChart: false }),
  ]
}
