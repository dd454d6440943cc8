/**
 * ViT-tiny's encoder (Dosovitskiy et al., "An Image Is Worth 16x16 Words", 2021; Touvron et al.'s sizes) with random weights, on 196
 * patches. In place of a class token the places' mean is classified.
 */
import {
  add,
  conv2d,
  dense,
  exportOnnx,
  globalAveragePooling2d,
  input,
  layerNormalization,
  model,
  multiHeadAttention,
  normalization,
  reshape,
} from '../../dist/index.js'
import { noise } from '../noise.mjs'

const [classes, size, patch] = [1000, 224, 16]
const [width, heads, blocks] = [192, 3, 12]
const side = size / patch

const normalise = () => layerNormalization({ epsilon: 1e-6 })

function block(x) {
  const attention = multiHeadAttention({ numHeads: heads, keyDim: width / heads })
  const attended = add([x, x.through(normalise(), attention)])
  const perceptron = [dense({ units: 4 * width, activation: 'gelu' }), dense({ units: width })]
  return add([attended, attended.through(normalise(), ...perceptron)])
}

/** @returns {Promise<Uint8Array>} an ONNX file, [N, 224, 224, 3] -> [N, 1000] */
export async function vitTiny() {
  const image = input({ shape: [size, size, 3] })
  const places = noise(side * side * width, [-0.1, 0.1])
  let x = image.through(
    conv2d({ filters: width, kernelSize: patch, strides: patch }),
    reshape({ targetShape: [side * side * width] }),
    // Where each patch lies: what is subtracted is as good as what is added.
    normalization({ mean: Array.from(places), variance: 1 }),
    reshape({ targetShape: [side * side, width] }),
  )
  for (let i = 0; i < blocks; i++) x = block(x)
  const outputs = x.through(
    normalise(),
    reshape({ targetShape: [side, side, width] }),
    globalAveragePooling2d(),
    dense({ units: classes, activation: 'softmax' }),
  )
  return exportOnnx(model({ inputs: image, outputs, seed: 1 }))
}
