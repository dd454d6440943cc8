import { describe, expect, it } from 'vitest'
import { addressOf, firstView, readAddress, type View } from '../../../src/app/page/page-address.ts'

describe("the page's address", () => {
  const views: View[] = [
    firstView,
    { image: 9999, label: 4, settings: { segmenter: 'slic', samples: 'exact', seed: 2 ** 32 - 1 }, isExplained: true },
    { image: 7, label: 0, settings: { segmenter: 'felzenszwalb', samples: 'auto', seed: 0 }, isExplained: false },
  ]
  it.each(views)('brings %o back', (view) => {
    expect(readAddress(addressOf(view), 10_000)).toEqual(view)
  })

  it('is that of the first view where it says nothing', () => {
    expect(readAddress('', 10_000)).toEqual(firstView)
    expect(readAddress('?utm_source=elsewhere', 10_000)).toEqual(firstView)
  })

  it.each([
    '?index=10000',
    '?index=-1',
    '?index=1e2',
    '?index=1.5',
    '?index=',
    '?label=10',
    '?label=Coat',
    '?segmenter=watershed',
    '?segmenter=constructor',
    '?samples=0',
    '?samples=20001',
    '?samples=NaN',
    '?seed=4294967296',
    '?seed=0x10',
  ])('takes no notice of %s', (search) => {
    expect(readAddress(search, 10_000)).toEqual(firstView)
  })

  it("is empty for a picture that isn't a test image", () => {
    expect(addressOf({ ...firstView, image: null })).toBe('')
  })
})
