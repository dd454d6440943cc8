import type { BlendRequest } from '../../../src/engine/blend/blend-request.ts'
import { type Sequential, sequential } from '../../../src/engine/facade/sequential.ts'
import {
  type ActivationName,
  averagePooling2d,
  conv2d,
  dense,
  flatten,
  type LayerDescription,
  maxPooling2d,
} from '../../../src/engine/model/layers/public.ts'
import { RandomState } from '../../../src/lime/random/random-state.ts'

/** Networks, images, label maps and masks drawn at random. */

export interface RandomNetwork {
  readonly model: Sequential
  readonly request: BlendRequest
  /** What it is made of, for messages. */
  readonly says: string
}

export function randomNetwork(seed: number): RandomNetwork {
  const random = new RandomState(seed)
  const oneOf = <T>(choices: readonly T[]): T => choices[random.randint(0, choices.length)]
  const inputShape = [random.randint(6, 12), random.randint(6, 12), random.randint(1, 4)]
  const layers: LayerDescription[] = []
  let extents = inputShape.slice(0, 2)
  const add = (layer: LayerDescription): void => {
    // A window that does not fit any more is left out.
    try {
      extents = sequential({ inputShape }, [...layers, layer]).outputShape.slice(0, 2) as number[]
      layers.push(layer)
    } catch {}
  }
  const activation = () => oneOf<ActivationName>(['relu', 'relu', 'linear', 'tanh', 'sigmoid', 'softmax'])
  for (let i = random.randint(1, 4); i > 0; i--) {
    const [padding, strides] = [oneOf(['same', 'valid'] as const), oneOf([1, 1, 2])]
    const kernelSize = [random.randint(1, 5), random.randint(1, 4)] as const
    const poolSize = random.randint(2, 4)
    add(
      oneOf([
        () => conv2d({ filters: random.randint(1, 7), kernelSize, strides, padding, activation: activation() }),
        () => conv2d({ filters: random.randint(1, 7), kernelSize: 3, padding: 'same', activation: 'relu' }),
        () => maxPooling2d({ poolSize, strides, padding }),
        () => averagePooling2d({ poolSize, strides, padding }),
      ])(),
    )
  }
  if (!layers.some(({ layer }) => layer !== 'flatten')) add(conv2d({ filters: 3, kernelSize: 3, padding: 'same' }))
  if (random.randint(0, 4) === 0) add(averagePooling2d({ poolSize: [extents[0], extents[1]] }))
  layers.push(flatten())
  if (random.randint(0, 3) === 0) layers.push(dense({ units: 6, activation: oneOf(['relu', 'tanh']) }))
  layers.push(dense({ units: random.randint(2, 6), activation: 'softmax', useBias: oneOf([true, false]) }))
  const model = sequential({ inputShape, seed }, layers)
  // Glorot's kernels, and biases that are not zero.
  model.setWeights(
    new Map(
      model.weights.map(({ name, shape, data }) => [
        name,
        { shape, data: name.endsWith('bias') ? data.map(() => random.uniform(-0.5, 0.5)) : data },
      ]),
    ),
  )
  const [height, width, channels] = inputShape
  const segmentCount = random.randint(1, 9)
  const cell = random.randint(1, 5)
  const labels = Int32Array.from({ length: height * width }, () => random.randint(0, segmentCount))
  const numbers = () => Float32Array.from({ length: height * width * channels }, () => random.uniform(0, 1))
  const [image, fudged] = [numbers(), numbers()]
  // Some pixels are the same in both.
  for (let i = 0; i < image.length; i++) if (random.randint(0, 4) === 0) fudged[i] = image[i]
  const count = random.randint(40, 200)
  return {
    model,
    request: {
      image,
      fudged,
      // Blobs, or noise where cells are single pixels.
      segments: labels.map((_, pixel) => {
        const [y, x] = [Math.floor(pixel / width), pixel % width]
        return labels[Math.floor(y / cell) * width + Math.floor(x / cell)]
      }),
      masks: Uint8Array.from({ length: count * segmentCount }, () => random.randint(0, 2)).fill(1, 0, segmentCount),
      count,
      segmentCount,
    },
    says: `[${inputShape}] ${segmentCount} segments, ${count} samples: ${JSON.stringify(layers)}`,
  }
}
