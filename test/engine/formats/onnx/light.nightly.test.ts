import { expect, it } from 'vitest'
import { describeWithModels } from '../../../shared-models.ts'
import { relativeError } from '../../operation-cases.ts'
import { lightAnswers } from './answers.ts'

/** Those of the ONNX project's light networks that take long: records.test.ts has the others. */
describeWithModels('large light networks of the ONNX project equal its answers', () => {
  it.each(['bvlc_alexnet', 'zfnet512', 'vgg19', 'resnet50', 'inception_v2', 'densenet121'])('%s', async (name) => {
    const { y, expected } = await lightAnswers(name)
    expect(relativeError(y, expected)).toBeLessThan(1e-4)
  })
})
