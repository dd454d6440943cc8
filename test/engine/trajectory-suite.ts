import { expect } from 'vitest'
import { tutorialArchitecture } from '../../src/app/tutorial/network.ts'
import { CompiledModel, parameterBlock } from '../../src/engine/compiled-model.ts'
import { compute } from '../../src/engine/compute.ts'
import type { Device } from '../../src/engine/device.ts'
import { gradients } from '../../src/engine/gradients.ts'
import { type Sequential, sequential } from '../../src/engine/model.ts'
import { mean } from '../../src/engine/ops/reduce.ts'
import { softmaxCrossEntropy } from '../../src/engine/ops/softmax-cross-entropy.ts'
import { adam } from '../../src/engine/optimizers.ts'
import type { Safetensors, StoredArray } from '../../src/engine/safetensors.ts'
import { Input } from '../../src/engine/tensor.ts'
import { relativeError } from './operation-cases.ts'

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
  await model.compile({ device, optimizer: adam() })
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
        accuracies.push(batchAccuracy)
      },
    })
    return { losses, accuracies, weights: new Map(model.weights.map(({ name, data: values }) => [name, values])) }
  } finally {
    model.dispose()
  }
}

/** The gradients of the first batch's mean loss, by Keras's names, with the largest error relative to the recorded ones. */
export async function firstGradientErrors(
  device: Device,
  { trajectory, images }: TrajectoryFiles,
): Promise<Map<string, number>> {
  const model = initialModel(trajectory)
  const compiled = new CompiledModel(model, { device })
  const x = new Input('x', [batchSize, 28, 28, 1])
  const labels = new Input('labels', [batchSize], 'i32')
  const loss = mean(softmaxCrossEntropy(compiled.logits(x, true), labels))
  const slopes = gradients(loss, compiled.parameters)
  const outputs = Object.fromEntries(model.weights.map(({ name }, i) => [name, slopes[i]]))
  const pixels = arrayOf(images, 'images').subarray(0, batchSize * imageSize)
  const inputs = {
    x: Float32Array.from(pixels, (value) => value / 255),
    labels: Int32Array.from(arrayOf(images, 'labels').subarray(0, batchSize)),
  }
  const results = await compute(device, { outputs }, inputs, { [parameterBlock]: compiled.parameterMemory })
  compiled.dispose()
  return new Map(
    model.weights.map(({ name }) => [name, relativeError(results[name], arrayOf(trajectory, `grad_step1/${name}`))]),
  )
}

/**
 * The losses and accuracies of the recorded run: tightly for the first ten steps, as its README advises. `drift` multiplies
 * the tolerances of the losses for kernels that round in another way than plain sums do.
 */
export function expectLosses({ losses, accuracies }: Trajectory, { trajectory }: TrajectoryFiles, drift = 1): void {
  const expectedLosses = arrayOf(trajectory, 'loss_float64')
  const expectedAccuracies = arrayOf(trajectory, 'accuracy_float64')
  losses.forEach((loss, step) => {
    expect(Math.abs(loss - expectedLosses[step]), `loss of step ${step + 1}`).toBeLessThan(
      (step < 10 ? 1e-6 : 1e-4) * drift,
    )
    // One image of 64 whose two best classes are all but equal may fall the other way.
    expect(Math.abs(accuracies[step] - expectedAccuracies[step]), `accuracy of step ${step + 1}`).toBeLessThan(
      step < 10 ? 1e-6 : 1 / 60,
    )
  })
}
