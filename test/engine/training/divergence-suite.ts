import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Device } from '../../../src/engine/device.ts'
import { ArgumentError, DeviceLostError, TrainingDivergedError } from '../../../src/engine/errors.ts'
import { type Sequential, sequential } from '../../../src/engine/facade/sequential.ts'
import { modelToBytes } from '../../../src/engine/formats/write-model.ts'
import { conv2d, dense, flatten } from '../../../src/engine/model/layers/public.ts'
import type { Checkpoint } from '../../../src/engine/training/checkpoint.ts'
import type { FitOptions } from '../../../src/engine/training/fit-options.ts'
import { adam, type Optimizer } from '../../../src/engine/training/optimizers.ts'
import { numbers } from '../device-suite.ts'

const network = () =>
  sequential({ inputShape: [6, 6, 1], seed: 3 }, [
    conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
    flatten(),
    dense({ units: 3, activation: 'softmax' }),
  ])
const samples = { data: numbers([20, 6, 6, 1]), shape: [20, 6, 6, 1] }
const labels = Array.from({ length: 20 }, (_, i) => i % 3)
/** Four steps an epoch. */
const recipe = { batchSize: 5, epochs: 3 }

const weightsOf = ({ weights }: Sequential) => weights.map(({ data }) => data.slice())

/** Adam whose step of that number, counted from 1, is this long. */
function leaping(at: number, length: number): Optimizer {
  const usual = adam()
  return { ...usual, stepSize: (t) => (t === at ? length : usual.stepSize(t)) }
}

interface DivergenceSuite {
  readonly name: string
  readonly open: () => Promise<Device>
  /** A step after which weights are finite, but give no loss. */
  readonly large: number
}

/** What a training does whose loss, or whose weights, are no numbers any more. */
export function divergenceSuite({ name, open, large }: DivergenceSuite): void {
  describe(`a training that diverges, on ${name}`, () => {
    let device: Device
    beforeAll(async () => {
      device = await open()
    })
    afterAll(() => device.dispose())
    afterEach(() => {
      vi.restoreAllMocks()
    })

    /** @returns what ended it, and the weights at each epoch's end */
    async function diverge(model: Sequential, optimizer: Optimizer, options: FitOptions = {}, used = device) {
      await model.compile({ device: used, optimizer, loss: 'sparseCategoricalCrossentropy' })
      const epochs: Float32Array[][] = []
      const losses: number[] = []
      const error: unknown = await model
        .fit(samples, labels, {
          ...recipe,
          onBatchEnd: ({ batchLoss }) => losses.push(batchLoss),
          onEpochEnd: () => {
            epochs.push(weightsOf(model))
          },
          ...options,
        })
        .catch((reason: unknown) => reason)
      // Only numbers were reported, and the device has what the host has: it can be used and saved.
      expect(losses.every(Number.isFinite)).toBe(true)
      const { data } = await model.predict(samples)
      expect(data.every(Number.isFinite)).toBe(true)
      expect(modelToBytes(model).length).toBeGreaterThan(0)
      return { error, epochs }
    }

    it('ends at the first loss that is no number, with the weights of the last epoch, and can be taken up', async () => {
      const model = network()
      const { error, epochs } = await diverge(model, leaping(6, large))
      expect(error).toBeInstanceOf(TrainingDivergedError)
      expect(error).toMatchObject({ epoch: 2, step: 3 })
      expect(String(error)).toMatch(
        /fit: the loss of step 3 of 4 in epoch 2 is (NaN|Infinity): .* smaller learning rate; .* after step 4 of epoch 1$/,
      )
      expect(epochs).toHaveLength(1)
      expect(weightsOf(model)).toEqual(epochs[0])
      // The optimizer begins anew: its moments were no numbers.
      const { epochs: log } = await model.fit(samples, labels, { ...recipe, epochs: 1 })
      expect(log[0].loss).toBeLessThan(10)
      expect(weightsOf(model)).not.toEqual(epochs[0])
      model.dispose()
    })

    it('in the last step of an epoch goes back to the epoch before: finite weights are not yet good ones', async () => {
      for (const [at, good] of [
        [4, 0],
        [8, 1],
      ]) {
        const model = network()
        const first = weightsOf(model)
        // Ready for a loss of the device it takes the weights twice, after one step.
        const { error, epochs } = await diverge(model, leaping(at, large), { onDeviceLost: () => device })
        expect(error).toBeInstanceOf(TrainingDivergedError)
        expect(String(error)).toMatch(good === 0 ? /that this training began with$/ : /after step 4 of epoch 1$/)
        expect(weightsOf(model)).toEqual(good === 0 ? first : epochs[0])
        model.dispose()
      }
    })

    it('is noticed by the validation, before the epoch is told of', async () => {
      const model = network()
      const first = weightsOf(model)
      const { error, epochs } = await diverge(model, leaping(4, large), { validationData: [samples, labels] })
      expect(error).toBeInstanceOf(TrainingDivergedError)
      expect(error).toMatchObject({ epoch: 1, step: 4 })
      expect(epochs).toHaveLength(0)
      expect(weightsOf(model)).toEqual(first)
      model.dispose()
    })

    it('keeps weights that are no numbers from the host', async () => {
      const model = network()
      const { error, epochs } = await diverge(model, leaping(8, Number.POSITIVE_INFINITY))
      expect(error).toBeInstanceOf(TrainingDivergedError)
      expect(error).toMatchObject({ epoch: 2, step: 4 })
      expect(String(error)).toMatch(/the weights are not finite after step 4 of epoch 2/)
      expect(weightsOf(model)).toEqual(epochs[0])
      model.dispose()
    })

    it('goes back to a checkpoint that was taken since, and one it came from', async () => {
      const model = network()
      let checkpoint: Checkpoint | undefined
      const { error } = await diverge(model, leaping(7, large), {
        beforeStep: ({ epoch, step, checkpoint: take }) =>
          epoch === 2 && step === 1
            ? take().then((made) => {
                checkpoint = made
              })
            : undefined,
      })
      expect(String(error)).toMatch(/the loss of step 4 of 4 in epoch 2 .* after step 1 of epoch 2$/)
      expect(weightsOf(model)).toEqual(checkpoint?.weights)
      const again = network()
      const resumed = await diverge(again, leaping(7, large), checkpoint && { from: checkpoint })
      expect(resumed.error).toMatchObject({ name: 'TrainingDivergedError', epoch: 2, step: 4 })
      expect(weightsOf(again)).toEqual(checkpoint?.weights)
      again.dispose()
      model.dispose()
    })

    it('keeps no checkpoint of weights that are no numbers', async () => {
      const model = network()
      const first = weightsOf(model)
      const { error } = await diverge(model, leaping(2, Number.POSITIVE_INFINITY), {
        beforeStep: ({ step, checkpoint }) => (step === 2 ? checkpoint().then(() => {}) : undefined),
      })
      expect(error).toMatchObject({ name: 'TrainingDivergedError', epoch: 1, step: 2 })
      expect(weightsOf(model)).toEqual(first)
      model.dispose()
    })

    it('does so on the device that it moved to when its own was lost', async () => {
      const model = network()
      const [mortal, next] = [await open(), await open()]
      const run = mortal.run.bind(mortal)
      let runs = 0
      mortal.run = async (program, inputs) => {
        if (++runs === 6) throw new DeviceLostError('the driver was reset')
        return run(program, inputs)
      }
      const { error, epochs } = await diverge(model, leaping(7, large), { onDeviceLost: () => next }, mortal)
      expect(error).toMatchObject({ name: 'TrainingDivergedError', epoch: 2, step: 4 })
      expect(weightsOf(model)).toEqual(epochs[0])
      model.dispose()
      mortal.dispose()
      next.dispose()
    })

    it('that is stopped before it is noticed leaves numbers, too', async () => {
      // Losses are read when time has passed, or at an epoch's end.
      vi.spyOn(performance, 'now').mockReturnValue(0)
      const model = network()
      const first = weightsOf(model)
      const controller = new AbortController()
      const reason = new Error('enough')
      const { error } = await diverge(model, leaping(1, Number.POSITIVE_INFINITY), {
        signal: controller.signal,
        beforeStep: ({ step }) => {
          if (step === 2) controller.abort(reason)
          return undefined
        },
      })
      expect(error).toBe(reason)
      expect(weightsOf(model)).toEqual(first)
      model.dispose()
    })

    it('costs a training that does not nothing: what is read is each epoch, its losses and its weights', async () => {
      vi.spyOn(performance, 'now').mockReturnValue(0)
      const model = network()
      await model.compile({ device, optimizer: adam() })
      const read = vi.spyOn(device, 'read')
      await model.fit(samples, labels, recipe)
      expect(read).toHaveBeenCalledTimes(2 * recipe.epochs)
      model.dispose()
    })

    it('begins with no image that holds what is no number', async () => {
      const model = network()
      await model.compile({ device, optimizer: adam(), loss: 'sparseCategoricalCrossentropy' })
      const first = weightsOf(model)
      for (const [value, scale] of [
        [Number.NaN, 1],
        [Number.NEGATIVE_INFINITY, 1],
        [1e39, 1],
        [1e30, 1e10],
      ]) {
        const spoilt = { data: Float64Array.from(samples.data), shape: samples.shape, scale }
        spoilt.data[3 * 36 + 7] = value
        for (const call of [
          () => model.fit(spoilt, labels, recipe),
          () => model.fit(samples, labels, { validationData: [spoilt, labels] }),
          () => model.evaluate(spoilt, labels),
          () => model.predict(spoilt),
        ]) {
          await expect(call()).rejects.toThrow(ArgumentError)
          await expect(call()).rejects.toThrow(/sample 3 holds (NaN|-Infinity|1e\+3[09]); expected finite numbers/)
        }
      }
      const image = new Float32Array(36)
      const request = { segments: new Int32Array(36), masks: new Uint8Array(1), count: 1, segmentCount: 1 }
      const spoilt = image.slice().fill(Number.NaN, 35)
      await expect(model.predictBlended({ ...request, image: spoilt, fudged: image })).rejects.toThrow(
        /image holds NaN/,
      )
      await expect(model.predictBlended({ ...request, image, fudged: spoilt })).rejects.toThrow(/fudged holds NaN/)
      expect(weightsOf(model)).toEqual(first)
      model.dispose()
    })
  })
}
