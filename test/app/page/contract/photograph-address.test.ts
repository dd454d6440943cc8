import { describe, expect, it } from 'vitest'
import {
  firstPlace,
  type PhotographPlace,
  photographAddress,
  readPhotographAddress,
} from '../../../../src/app/page/contract/photograph-address.ts'
import { plainPhotographSettings } from '../../../../src/app/page/contract/photograph-settings.ts'

/** What an address says about photographs. */

const other: PhotographPlace = {
  photograph: 'file-0123456789ab',
  fit: 'squash',
  left: {
    network: 'file-ba9876543210',
    pixels: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229] },
    label: 0,
    settings: { ...plainPhotographSettings, segmenter: 'own', samples: 'auto', hidden: 'inpaint' },
    isExplained: true,
  },
  right: {
    network: 'mobilenet-v2',
    pixels: { mean: [-1e-9] },
    label: 505,
    settings: {
      ...plainPhotographSettings,
      segments: 20,
      segmentedIn: 'photograph',
      samples: 7,
      sampling: 'balanced',
      seed: 0,
    },
    isExplained: false,
  },
}

describe('an address of photographs', () => {
  it.each([firstPlace, other])('brings %o back', (place) => {
    expect(readPhotographAddress(photographAddress('compare', place))).toEqual(place)
    expect(readPhotographAddress(photographAddress('explain', place))).toEqual({ ...place, right: firstPlace.right })
  })

  it('is short where all is as usual', () => {
    expect(photographAddress('explain', firstPlace)).toBe('?mode=photograph&picture=coffee')
  })

  it.each([
    'fit=stretch',
    'label=-1',
    'label=cup',
    'segments=1',
    'segments=151',
    'samples=0',
    'seed=x',
    'hide-color=pink',
    'scale=1,1,1',
    'scale=white',
    'mean=1,,2',
    'mean=1,2,3,4',
    'std=1e999',
    // The rest alone would be another preprocessing.
    'scale=0.5&mean=x',
  ])('takes no notice of %s', (said) => {
    expect(readPhotographAddress(`?mode=photograph&${said}`)).toEqual(firstPlace)
  })
})
