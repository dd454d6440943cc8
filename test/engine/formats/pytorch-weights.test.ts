import { describe, expect, it } from 'vitest'
import type { StoredArray } from '../../../src/engine/formats/safetensors.ts'
import {
  batchNormalization,
  conv2d,
  conv2dTranspose,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  formatSafetensors,
  loadModel,
  loadWeights,
  maxPooling2d,
  parseSafetensors,
  sequential,
} from '../../../src/engine/index.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'

/** Numbers that tell where they were: no two are the same. */
function state(shapes: Readonly<Record<string, readonly number[]>>) {
  let next = 0
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const length = shape.reduce((product, extent) => product * extent, 1)
      return [name, { shape, data: Float32Array.from({ length }, () => Math.sin(++next)) }] as const
    }),
  )
}

const network = () =>
  sequential({ inputShape: [6, 6, 2], seed: 1 }, [
    conv2d({ filters: 4, kernelSize: 3, padding: 1 }),
    batchNormalization({ epsilon: 1e-5 }),
    conv2d({ filters: 4, kernelSize: 3, groups: 2, useBias: false }),
    batchNormalization({ epsilon: 1e-5 }),
    depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }),
    maxPooling2d(),
    conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2 }),
    flatten(),
    dropout({ rate: 0.5 }),
    dense({ units: 5 }),
    dense({ units: 5 }),
  ])

const norm = (name: string) => ({
  [`${name}.weight`]: [4],
  [`${name}.bias`]: [4],
  [`${name}.running_mean`]: [4],
  [`${name}.running_var`]: [4],
})

const shapes = {
  'module.features.0.weight': [4, 2, 3, 3],
  'module.features.0.bias': [4],
  ...norm('module.features.1'),
  'module.features.3.weight': [4, 2, 3, 3],
  ...norm('module.features.4'),
  'module.features.6.weight': [8, 1, 2, 2],
  'module.features.6.bias': [8],
  'module.up.weight': [8, 3, 2, 2],
  'module.up.bias': [3],
  'module.fc1.weight': [5, 12],
  'module.fc1.bias': [5],
  'module.fc2.weight': [5, 5],
  'module.fc2.bias': [5],
}

describe("PyTorch's weights", () => {
  it('are moved to where ours are', async () => {
    const model = network()
    const given = state(shapes)
    const tracked = new Map<string, { shape: readonly number[]; data: StoredArray }>(given)
    tracked.set('module.features.1.num_batches_tracked', { shape: [1], data: Int32Array.of(7) })
    await loadWeights(model, formatSafetensors(tracked), { from: 'pytorch' })
    const ours = new Map(model.weights.map((weight) => [weight.name, weight]))
    const at = (name: string, ...place: number[]) => {
      const { shape, data } = ours.get(name) ?? { shape: [], data: [] }
      return data[place.reduce((index, one, axis) => index * shape[axis] + one, 0)]
    }
    const theirs = (name: string, ...place: number[]) => {
      const { shape, data } = given.get(`module.${name}`) ?? { shape: [], data: [] }
      return data[place.reduce((index, one, axis) => index * shape[axis] + one, 0)]
    }
    // [height, width, in, out] of [out, in, height, width].
    expect(at('conv2d/kernel', 2, 1, 0, 3)).toBe(theirs('features.0.weight', 3, 0, 2, 1))
    expect(at('conv2d_1/kernel', 0, 2, 1, 2)).toBe(theirs('features.3.weight', 2, 1, 0, 2))
    // Channel 3's second filter is PyTorch's seventh.
    expect(at('depthwise_conv2d/depthwise_kernel', 1, 0, 3, 1)).toBe(theirs('features.6.weight', 7, 0, 1, 0))
    expect(at('conv2d_transpose/kernel', 1, 0, 2, 5)).toBe(theirs('up.weight', 5, 2, 1, 0))
    expect(at('batch_normalization_1/moving_variance', 2)).toBe(theirs('features.4.running_var', 2))
    expect(at('batch_normalization/gamma', 1)).toBe(theirs('features.1.weight', 1))
    // Of images 2 x 2 x 3: row 1, column 0, channel 2 is our ninth number and their eleventh.
    expect(at('dense/kernel', (1 * 2 + 0) * 3 + 2, 4)).toBe(theirs('fc1.weight', 4, 2 * 4 + 1 * 2 + 0))
    expect(at('dense_1/kernel', 3, 1)).toBe(theirs('fc2.weight', 1, 3))
  })

  it('are read from halves and brain floats, too', async () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff)
    const header = (dtype: string) => {
      const json = new TextEncoder().encode(JSON.stringify({ a: { dtype, shape: [4], data_offsets: [0, 8] } }))
      const file = new Uint8Array(8 + json.length + 8)
      new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
      file.set(json, 8)
      file.set(new Uint8Array(bits.buffer), 8 + json.length)
      return file
    }
    const half = parseSafetensors(header('F16')).tensors.get('a')?.data
    expect(Array.from(half ?? [])).toEqual([1, -2, 2 ** -24, 65504])
    const brain = parseSafetensors(header('BF16')).tensors.get('a')?.data
    expect(Array.from(brain ?? [])).toEqual([0.0078125, -2, 1.401298464324817e-45 * 65536, 1.9921875 * 2 ** 120])
  })

  it('that do not fit are told all at once; which is which may be said', async () => {
    const model = sequential({ inputShape: [4], seed: 1 }, [
      dense({ units: 4 }),
      dense({ units: 4 }),
      dense({ units: 2 }),
    ])
    const file = formatSafetensors(
      state({
        'encoder.weight': [4, 4],
        'encoder.bias': [4],
        'body.weight': [4, 4],
        'body.bias': [4],
        'top.weight': [3, 4],
      }),
    )
    const error = await loadWeights(model, file, { from: 'pytorch' }).catch((thrown: Error) => thrown.message)
    for (const line of [
      'the layer "dense" wants bias [4], weight [4,4]',
      'the layer "dense_2" wants bias [2], weight [2,4]',
      'the file\'s "encoder" has bias [4], weight [4,4]',
      'the file\'s "top" has weight [3,4]',
      'names: { layer: module }',
    ])
      expect(error).toContain(line)
    const two = sequential({ inputShape: [4], seed: 1 }, [dense({ units: 4 }), dense({ units: 4 })])
    const given = state({ 'encoder.weight': [4, 4], 'encoder.bias': [4], 'body.weight': [4, 4], 'body.bias': [4] })
    await expect(loadWeights(two, formatSafetensors(given), { from: 'pytorch' })).rejects.toThrow(
      /names: \{ layer: module \}/,
    )
    await loadWeights(two, formatSafetensors(given), { from: 'pytorch', names: { dense: 'encoder' } })
    expect(two.weights[1].data).toEqual(given.get('encoder.bias')?.data)
    expect(two.weights[3].data).toEqual(given.get('body.bias')?.data)
    await expect(loadModel(formatSafetensors(given))).rejects.toThrow(
      /loadWeights\(model, file, \{ from: 'pytorch' \}\)/,
    )
  })

  it('of a transposed convolution spread as there', async () => {
    // One channel in, one out: a pixel of 1 becomes the kernel, not its mirror image.
    const model = sequential({ inputShape: [1, 1, 1], seed: 1 }, [
      conv2dTranspose({ filters: 1, kernelSize: 2, strides: 2, useBias: false }),
    ])
    await loadWeights(
      model,
      formatSafetensors(new Map([['0.weight', { shape: [1, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4) }]])),
      {
        from: 'pytorch',
      },
    )
    await model.compile({ device: new ReferenceDevice() })
    const { data } = await model.predict({ shape: [1, 1, 1, 1], data: Float32Array.of(1) })
    expect(Array.from(data)).toEqual([1, 2, 3, 4])
  })
})
