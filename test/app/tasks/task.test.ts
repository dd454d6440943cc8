import { describe, expect, it } from 'vitest'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'
import { classNamesOf, isFor, pictureOf, samplesOf, type Task } from '../../../src/app/tasks/task.ts'

/** As networks of photographs have it: colours, each less its mean and divided by its spread. */
const photographs: Task = {
  name: 'Photographs',
  classNames: ['cat', 'dog'],
  inputShape: [2, 1, 3],
  preprocessing: { scale: [4, 5, 2], offset: [-2, -1, -0.5], resize: 'crop' },
  output: 'logits',
}

describe('the classes of a network', () => {
  it('are called as in the task where it takes and gives what that does', () => {
    const network = { inputShape: [28, 28, 1], outputShape: [10] }
    expect(isFor(fashionMnist, network)).toBe(true)
    expect(classNamesOf(fashionMnist, network)).toBe(fashionMnist.classNames)
  })

  it('are only numbered where it has other ones, or takes other pictures', () => {
    const two = ['class 0', 'class 1']
    expect(classNamesOf(fashionMnist, { inputShape: [28, 28, 1], outputShape: [2] })).toEqual(two)
    // One sigmoid answers for both.
    expect(classNamesOf(fashionMnist, { inputShape: [28, 28, 1], outputShape: [1] })).toEqual(two)
    expect(classNamesOf(fashionMnist, { inputShape: [32, 32, 3], outputShape: [10] })[9]).toBe('class 9')
  })
})

describe('pictures', () => {
  it('of Fashion-MNIST stay bytes, with the factor that makes them 0 to 1', () => {
    const pixels = new Uint8Array(2 * 784)
    expect(samplesOf(fashionMnist, pixels)).toEqual({ data: pixels, shape: [2, 28, 28, 1], scale: 1 / 255 })
    expect(samplesOf(fashionMnist, pixels).data).toBe(pixels)
  })

  it('are scaled and moved channel by channel where the task says so', () => {
    const { data, shape, scale } = samplesOf(photographs, Uint8Array.of(0, 0, 0, 255, 51, 255))
    expect(shape).toEqual([1, 2, 1, 3])
    expect(scale).toBeUndefined()
    expect(Array.from(data)).toEqual([-2, -1, -0.5, 2, 0, 1.5])
  })

  it('are explained as people see them, and not at all where the network would be asked about others', () => {
    const picture = pictureOf(
      { ...photographs, preprocessing: { scale: [1, 1, 1], offset: [0, 0, 0], resize: 'fit' } },
      Uint8Array.of(0, 51, 255, 0, 0, 0),
    )
    expect(picture).toEqual({ data: Float64Array.of(0, 0.2, 1, 0, 0, 0), shape: [2, 1, 3] })
    expect(() => pictureOf(photographs, new Uint8Array(6))).toThrow(/^Photographs: .* can't be explained yet$/)
  })
})
