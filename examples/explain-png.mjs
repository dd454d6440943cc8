/**
 * Explains a PNG of 28 x 28 pixels by the network that comes with the package, and paints what speaks for its answer (green) and
 * against it (magenta): `node examples/explain-png.mjs PICTURE.png EVIDENCE.png`. Any library that reads PNGs will do.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { decode, encode } from 'fast-png'
import { loadModel, openDevice } from 'limelight'
import { LimeImageExplainer, overlay } from 'limelight/lime'

const [, , picture, evidence] = process.argv
const { data, width, height, channels } = decode(await readFile(picture))
// The network takes grey pictures: the first channel of each pixel.
const grey = Float64Array.from({ length: width * height }, (_, at) => data[at * channels] / 255)

const device = await openDevice('cpu')
const model = await loadModel(new URL('../models/fashion-cnn.safetensors', import.meta.url))
await model.compile({ device })
const explainer = new LimeImageExplainer({ randomState: 123 })
const explanation = await explainer.explainInstance({ data: grey, shape: [height, width] }, model, { topLabels: 1 })
const [label] = explanation.topLabels
console.log(`Class ${label}; segment and weight, the heaviest first:`)
for (const [segment, weight] of explanation.weightsOf(label)) console.log(`${segment}: ${weight.toFixed(4)}`)
await writeFile(evidence, encode({ ...overlay(explanation, label), width, height, channels: 3 }))
model.dispose()
device.dispose()
