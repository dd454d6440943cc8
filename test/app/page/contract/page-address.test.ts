import { describe, expect, it } from 'vitest'
import {
  hiddenChoices,
  methodChoices,
  methodNames,
  requestOf,
} from '../../../../src/app/page/contract/explanation-settings.ts'
import {
  type AddressedSide,
  addressOf,
  firstView,
  plainSide,
  readAddress,
  unreadIn,
  type View,
} from '../../../../src/app/page/contract/page-address.ts'
import { methodNames as allMethods, explanationRequest } from '../../../../src/lime/index.ts'

const { settings } = plainSide
const side = (changed: Partial<AddressedSide>): AddressedSide => ({ ...plainSide, ...changed })

describe('what is set on the page', () => {
  it('is a request, whatever it is', () => {
    const segmenter = { name: 'grid', parameters: { rows: 2, columns: 3 } }
    const grid = {
      ...settings,
      segmenter: 'grid',
      parameters: segmenter.parameters,
      seed: 8,
      kernelWidth: 0.5,
    } as const
    for (const method of methodNames)
      for (const sampling of methodChoices[method].samplings)
        for (const hidden of hiddenChoices) {
          const samples = sampling === 'number' ? 70 : sampling
          const request = explanationRequest(requestOf({ ...grid, method, samples, hidden }))
          expect(request).toMatchObject({ method, segmenter, samples, randomSeed: 8 })
          // All mixtures are asked for without a draw.
          expect(request.randomState).toBe(sampling === 'exact' ? undefined : 8)
          expect(request.kernelWidth).toBe(method === 'lime' ? 0.5 : undefined)
        }
    expect(explanationRequest(requestOf(settings)).segmenter).toBe(null)
  })

  it('has every method there is', () => {
    expect(methodNames).toEqual(allMethods)
  })
})

describe("the page's address", () => {
  const views: View[] = [
    firstView,
    { ...firstView, left: plainSide },
    {
      ...firstView,
      left: side({
        image: 9999,
        label: 4,
        settings: {
          ...settings,
          segmenter: 'slic',
          samples: 'exact',
          seed: 2 ** 32 - 1,
          kernelWidth: 0.6,
          hidden: 'blur',
        },
        isExplained: true,
      }),
    },
    {
      ...firstView,
      left: side({
        image: 7,
        network: 'own',
        label: 0,
        settings: {
          ...settings,
          segmenter: 'quickshift',
          parameters: { kernel_size: 2.5, max_dist: 20, ratio: 0.4 },
          hidden: '0',
        },
      }),
    },
    {
      ...firstView,
      view: 'compare',
      left: side({ image: 7270, network: 'resnet', isExplained: true }),
      right: side({ image: null, label: 3, settings: { ...settings, segmenter: 'grid', samples: 'auto', seed: 0 } }),
    },
    {
      ...firstView,
      view: 'compare',
      left: side({ image: 1, isExplained: true }),
      right: side({ image: null, settings: { ...settings, method: 'shapley', samples: 'exact' }, isExplained: true }),
    },
    { ...firstView, view: 'compare', left: side({ image: 1 }), right: side({ image: 2, isExplained: true }) },
    { ...firstView, view: 'train' },
    { ...firstView, view: 'judge' },
    { ...firstView, view: 'results' },
  ]
  it.each(views)('brings %o back', (view) => {
    expect(readAddress(addressOf(view), 10_000)).toEqual(view)
  })

  it('is that of the first view where it says nothing', () => {
    expect(readAddress('', 10_000)).toEqual(firstView)
    expect(readAddress('?utm_source=elsewhere', 10_000)).toEqual(firstView)
    expect(readAddress('?view=elsewhere', 10_000)).toEqual(firstView)
  })

  it.each([
    '?index=10000',
    '?index=-1',
    '?index=1e2',
    '?index=1.5',
    '?index=',
    '?label=10',
    '?label=Coat',
    '?segmenter=voronoi',
    '?segmenter=constructor',
    '?samples=0',
    '?samples=20001',
    '?samples=NaN',
    '?seed=4294967296',
    '?seed=0x10',
    '?seed=&min_size=20',
    '?kernel-width=0',
    '?kernel-width=NaN',
    '?hide-color=pink',
    '?network=other',
    '?method=tarot',
    '?method=constructor',
  ])('takes no notice of %s', (search) => {
    expect(readAddress(search, 10_000)).toEqual({ ...firstView, left: plainSide })
  })

  it('takes no notice of parameters that another segmenter has, or that are out of range', () => {
    const read = (search: string) => readAddress(search, 10_000).left.settings.parameters
    expect(read('?segmenter=felzenszwalb&n_segments=20')).toBe(null)
    expect(read('?segmenter=felzenszwalb&min_size=-1')).toBe(null)
    expect(read('?segmenter=felzenszwalb&min_size=50')).toEqual({ scale: 1, sigma: 0.8, min_size: 50 })
  })

  it('takes no samples that the method has not, and says so', () => {
    const search = '?index=3&method=shapley&segmenter=grid&samples=auto&seed=1'
    expect(readAddress(search, 10_000).left.settings).toMatchObject({ method: 'shapley', samples: 1000 })
    expect(unreadIn(search, 10_000)).toEqual(['samples=auto'])
    expect(unreadIn('?index=3&method=tarot', 10_000)).toEqual(['method=tarot'])
    expect(unreadIn('?index=3&method=lime', 10_000)).toEqual([])
  })

  it("is empty for a picture that isn't a test image", () => {
    expect(addressOf({ ...firstView, left: { ...firstView.left, image: null } })).toBe('')
  })
})
