import { describe, expect, test } from 'vitest'
import { requestOf } from '../../../../src/app/page/contract/explanation-settings.ts'
import { addressOf, firstView } from '../../../../src/app/page/contract/page-address.ts'
import { explainedAnew, hasOneSeed, testImageOf } from '../../../../src/app/page/results/explained-anew.ts'
import { asksSame } from '../../../../src/app/page/worker/equal-requests.ts'
import { explanationRequest, type RequestInput } from '../../../../src/lime/index.ts'
import { madeRow, madeRun } from '../made-results.ts'

/** What the page asks when a row of a test image is explained there. */

const row = madeRow({ id: '135', class_index: 6, samples: 300, random_state: 42, random_seed: 42 })

function asked(request: Partial<RequestInput> | null, given: Partial<typeof row> = {}, model = 'models/mine.onnx') {
  const complete = request && explanationRequest({ version: 1, method: 'lime', samples: 300, ...request })
  const run = complete && ({ run: madeRun, request: complete, model, fit: 'squash' } as const)
  const side = explainedAnew({ ...row, ...given }, run, 'resnet')
  const isSame = run && hasOneSeed({ ...row, ...given }) && asksSame(run.request, requestOf(side.settings))
  return { address: addressOf({ view: 'explain', left: side, right: firstView.right }), isSame }
}

test('a row of a test image has its number and no path', () => {
  expect(testImageOf(row, 10_000)).toBe(135)
  expect(testImageOf({ id: '10000', path: null }, 10_000)).toBe(null)
  expect(testImageOf({ id: '7', path: '7' }, 10_000)).toBe(null)
  expect(testImageOf({ id: 'cat.png', path: 'cat.png' }, 10_000)).toBe(null)
})

test('without run.json it is asked by what the row says: method, samples, seed, class; and it is not known whether that is all', () => {
  expect(asked(null)).toEqual({
    address: '?index=135&network=resnet&label=6&segmenter=auto&samples=300&seed=42&explain=',
    isSame: null,
  })
  expect(asked(null, { method: 'shapley' }).address).toContain('method=shapley')
  // Nothing was drawn.
  expect(asked(null, { random_state: null, samples: 256 }).address).toContain('samples=exact&seed=42')
})

describe('with run.json', () => {
  test('the page asks the same, where its address can say it', () => {
    expect(asked({})).toMatchObject({ isSame: true })
    const felzenszwalb = asked({ segmenter: { name: 'felzenszwalb', parameters: { scale: 2 } }, kernelWidth: 0.5 })
    expect(felzenszwalb.address).toContain('segmenter=felzenszwalb&scale=2&sigma=0.8&min_size=20')
    expect(felzenszwalb.address).toContain('kernel-width=0.5')
    expect(felzenszwalb.isSame).toBe(true)
    expect(asked({ hideColor: 0, samples: 'exact' }, { random_state: null })).toMatchObject({ isSame: true })
    expect(asked({ segmenter: { name: 'slic' } })).toMatchObject({ isSame: true })
    expect(asked({ labels: [6] })).toMatchObject({ isSame: true })
  })

  test('what the address can not say is said', () => {
    expect(asked({ distanceMetric: 'euclidean' }).isSame).toBe(false)
    expect(asked({ samples: 50_000 }).isSame).toBe(false)
    expect(asked({ hideColor: 0.5 }).isSame).toBe(false)
    expect(asked({ segmenter: { name: 'slic', parameters: { start_label: 1 } } }).isSame).toBe(false)
    expect(asked({ segmenter: { name: 'felzenszwalb', parameters: { scale: 900 } } }).isSame).toBe(false)
    expect(asked({ method: 'shapley', of: 'logit', samples: undefined }, { method: 'shapley' }).isSame).toBe(false)
    // The samples' seed is another than the segmenter's.
    expect(asked({}, { random_seed: 1 }).isSame).toBe(false)
  })

  test('the page’s own networks answer for themselves', () => {
    expect(asked({}, {}, '/home/ada/models/fashion-cnn.safetensors').address).not.toContain('network')
    expect(asked({}, {}, 'C:\\models\\fashion-resnet.safetensors').address).toContain('network=resnet')
  })
})
