import { expect } from 'vitest'
import { tutorialArchitecture } from '../../../src/app/networks/tutorial.ts'
import { compute } from '../../../src/engine/compute.ts'
import type { Device, HostArray } from '../../../src/engine/device.ts'
import { type Sequential, sequential } from '../../../src/engine/facade/sequential.ts'
import type { Safetensors, StoredArray } from '../../../src/engine/formats/safetensors.ts'
import { gradients } from '../../../src/engine/gradients.ts'
import { CompiledModel, parameterBlock } from '../../../src/engine/model/compiled.ts'
import { inUse } from '../../../src/engine/model/network.ts'
import { conv2d } from '../../../src/engine/ops/conv2d.ts'
import { add, relu } from '../../../src/engine/ops/elementwise.ts'
import { mean } from '../../../src/engine/ops/reduce.ts'
import { Input, type Tensor } from '../../../src/engine/tensor.ts'
import { losses as lossRows } from '../../../src/engine/training/losses.ts'
import { adam } from '../../../src/engine/training/optimizers.ts'
import { relativeError } from '../operation-cases.ts'

/** Training steps of the tutorial's network that PyTorch took, repeated on a device. */
export interface TrajectoryFiles {
  /** train-trajectory.safetensors */
  readonly trajectory: Safetensors
  /** train-trajectory-images.safetensors */
  readonly images: Safetensors
}

export interface Trajectory {
  readonly losses: readonly number[]
  readonly accuracies: readonly number[]
  /** By Keras's names, after the last step. */
  readonly weights: ReadonlyMap<string, Float32Array>
}

export function arrayOf(file: Safetensors, name: string): StoredArray {
  const tensor = file.tensors.get(name)
  if (!tensor) throw new Error(`the reference file has no tensor ${name}`)
  return tensor.data
}

const batchSize = 64
const imageSize = 28 * 28

/** The tutorial's network as it was before the first recorded step. */
function initialModel(trajectory: Safetensors): Sequential {
  const { inputShape, layers } = tutorialArchitecture(0)
  const model = sequential({ inputShape }, layers)
  const initial = model.weights.map(
    ({ name, shape }) => [name, { shape, data: arrayOf(trajectory, `init/${name}`) }] as const,
  )
  model.setWeights(new Map(initial))
  return model
}

/** Runs the first `steps` recorded steps through model.fit(). */
export async function runTrajectory(
  device: Device,
  { trajectory, images }: TrajectoryFiles,
  steps: number,
): Promise<Trajectory> {
  const model = initialModel(trajectory)
  await model.compile({ device, optimizer: adam(), metrics: ['accuracy'] })
  const count = steps * batchSize
  // PyTorch was given float32 numbers, not bytes: a 255th rounds to something else.
  const data = Float32Array.from(arrayOf(images, 'images').subarray(0, count * imageSize), (value) => value / 255)
  const losses: number[] = []
  const accuracies: number[] = []
  try {
    await model.fit({ data, shape: [count, 28, 28, 1] }, arrayOf(images, 'labels').subarray(0, count), {
      batchSize,
      shuffle: false,
      onBatchEnd: ({ batchLoss, batchAccuracy }) => {
        losses.push(batchLoss)
        accuracies.push(batchAccuracy ?? Number.NaN)
      },
    })
    return { losses, accuracies, weights: new Map(model.weights.map(({ name, data: values }) => [name, values])) }
  } finally {
    model.dispose()
  }
}

/** The gradients of the mean loss over images of the first batch, all of them unless given, by Keras's names. */
export async function firstGradients(
  device: Device,
  { trajectory, images }: TrajectoryFiles,
  chosen: readonly number[] = Array.from({ length: batchSize }, (_, i) => i),
): Promise<Map<string, HostArray>> {
  const model = initialModel(trajectory)
  const compiled = new CompiledModel(model.network, device)
  const x = new Input('x', [chosen.length, 28, 28, 1])
  const labels = new Input('labels', [chosen.length], 'i32')
  const loss = mean(
    lossRows.sparseCategoricalCrossentropy.of(compiled.apply([x], { ...inUse, training: true }).outputs[0], labels),
  )
  const slopes = gradients(loss, compiled.parameters)
  const outputs = Object.fromEntries(model.weights.map(({ name }, i) => [name, slopes[i]]))
  const inputs = {
    x: pixelsOf(images, chosen),
    labels: Int32Array.from(chosen, (image) => arrayOf(images, 'labels')[image]),
  }
  const results = await compute(device, { outputs }, inputs, { [parameterBlock]: compiled.parameterMemory })
  compiled.dispose()
  return new Map(Object.entries(results))
}

function pixelsOf(images: Safetensors, chosen: readonly number[]): Float32Array {
  const all = arrayOf(images, 'images')
  const pixels = new Float32Array(chosen.length * imageSize)
  chosen.forEach((image, row) => {
    for (let i = 0; i < imageSize; i++) pixels[row * imageSize + i] = all[image * imageSize + i] / 255
  })
  return pixels
}

/** The gradients of the first batch's mean loss, with the largest error relative to the recorded ones. */
export async function firstGradientErrors(device: Device, files: TrajectoryFiles): Promise<Map<string, number>> {
  const recorded = (name: string) => arrayOf(files.trajectory, `grad_step1/${name}`)
  const found = await firstGradients(device, files)
  return new Map([...found].map(([name, values]) => [name, relativeError(values, recorded(name))]))
}

/** Of every image of the first batch: which outputs of the three convolutions are positive, relu's slope. */
export async function reluPatterns(device: Device, { trajectory, images }: TrajectoryFiles): Promise<Uint8Array[]> {
  const { weights } = initialModel(trajectory)
  const given: Record<string, HostArray> = {
    x: pixelsOf(
      images,
      Array.from({ length: batchSize }, (_, i) => i),
    ),
  }
  const outputs: Record<string, Tensor> = {}
  let x: Tensor = new Input('x', [batchSize, 28, 28, 1])
  for (const layer of ['conv2d', 'conv2d_1', 'conv2d_2']) {
    const [kernel, bias] = ['kernel', 'bias'].map((part) => {
      const weight = weights.find(({ name }) => name === `${layer}/${part}`)
      if (!weight) throw new Error(`the network has no ${layer}/${part}`)
      given[weight.name] = weight.data
      return new Input(weight.name, weight.shape)
    })
    x = relu(add(conv2d(x, kernel, { padding: 'same' }), bias))
    outputs[layer] = x
  }
  const results = Object.values(await compute(device, { outputs }, given))
  return Array.from({ length: batchSize }, (_, image) =>
    Uint8Array.from(
      results.flatMap((values) => {
        const size = values.length / batchSize
        return Array.from(values.subarray(image * size, (image + 1) * size), (value) => Number(value > 0))
      }),
    ),
  )
}

/**
 * What each of `devices` finds the losses of the recorded batches to be, with the weights that `leader`, which trains, has by
 * then: what a device rounds otherwise is not carried on by the training.
 */
export async function lossesAlong(
  leader: Device,
  devices: readonly Device[],
  files: TrajectoryFiles,
  steps: number,
): Promise<number[][]> {
  const trained = initialModel(files.trajectory)
  await trained.compile({ device: leader, optimizer: adam() })
  const followers = devices.map((device) => ({
    device,
    evaluated: initialModel(files.trajectory),
    losses: [] as number[],
  }))
  for (const { device, evaluated } of followers) await evaluated.compile({ device })
  for (let step = 0; step < steps; step++) {
    const chosen = Array.from({ length: batchSize }, (_, i) => step * batchSize + i)
    const samples = { data: pixelsOf(files.images, chosen), shape: [batchSize, 28, 28, 1] }
    const labels = chosen.map((image) => arrayOf(files.images, 'labels')[image])
    const weights = new Map(trained.weights.map((weight) => [weight.name, weight]))
    for (const { evaluated, losses } of followers) {
      evaluated.setWeights(weights)
      losses.push((await evaluated.evaluate(samples, labels)).loss)
    }
    await trained.fit(samples, labels, { batchSize, shuffle: false })
  }
  for (const { evaluated } of followers) evaluated.dispose()
  trained.dispose()
  return followers.map(({ losses }) => losses)
}

/** The losses and accuracies of the recorded run: tightly for the first ten steps, as its README advises. */
export function expectLosses({ losses, accuracies }: Trajectory, { trajectory }: TrajectoryFiles): void {
  const expectedAccuracies = arrayOf(trajectory, 'accuracy_float64')
  expectLossValues(losses, trajectory)
  // One image of 64 whose two best classes are all but equal may fall the other way.
  accuracies.forEach((accuracy, step) => {
    expect(Math.abs(accuracy - expectedAccuracies[step]), `accuracy of step ${step + 1}`).toBeLessThan(
      step < 10 ? 1e-6 : 1 / 60,
    )
  })
}

export function expectLossValues(losses: readonly number[], trajectory: Safetensors): void {
  const expected = arrayOf(trajectory, 'loss_float64')
  losses.forEach((loss, step) => {
    expect(Math.abs(loss - expected[step]), `loss of step ${step + 1}`).toBeLessThan(step < 10 ? 1e-6 : 1e-4)
  })
}
