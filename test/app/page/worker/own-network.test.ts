import { expect, it } from 'vitest'
import { networkFrom } from '../../../../src/app/page/worker/own-network.ts'
import { task } from '../../../../src/app/tasks/chosen-task.ts'
import { evaluateModel } from '../../../../src/app/tasks/evaluation.ts'
import { modelToBytes } from '../../../../src/engine/formats/write-model.ts'
import {
  type ActivationName,
  dense,
  exportOnnx,
  flatten,
  openDevice,
  sequential,
} from '../../../../src/engine/index.ts'
import { numbers } from '../../../engine/device-suite.ts'

const endingIn = (activation: ActivationName) =>
  sequential({ inputShape: task.inputShape, seed: 7 }, [
    flatten(),
    dense({ units: task.classNames.length, activation }),
  ])
const formats = { safetensors: modelToBytes, ONNX: exportOnnx }
const device = await openDevice('reference')
const pictures = { data: numbers([2, ...task.inputShape]), shape: [2, ...task.inputShape] }

it.each(Object.entries(formats))(
  'a network that ends in log-probabilities gives the page probabilities: %s',
  async (_format, written) => {
    const expected = endingIn('softmax')
    const own = await networkFrom(await written(endingIn('logSoftmax')))
    await expected.compile({ device })
    await own.compile({ device })
    const [given, probabilities] = [await own.predict(pictures), await expected.predict(pictures)]
    for (const [i, value] of given.data.entries()) expect(value).toBeCloseTo(probabilities.data[i], 6)
    const images = { images: new Uint8Array(784).fill(90), labels: Uint8Array.of(3), count: 1, height: 28, width: 28 }
    expect((await evaluateModel(task, own, images)).loss).toBeCloseTo(
      (await evaluateModel(task, expected, images)).loss,
      5,
    )
  },
)

it.each(['sigmoid', 'linear'] as const)(
  'one that ends in other numbers is refused, and told what it ends in: %s',
  async (activation) => {
    for (const written of Object.values(formats))
      await expect(networkFrom(await written(endingIn(activation)))).rejects.toThrow(
        `it ends in ${activation === 'linear' ? 'no activation' : 'the activation sigmoid'}; expected a softmax or its logarithm`,
      )
  },
)
