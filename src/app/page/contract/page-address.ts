import { task } from '../../tasks/chosen-task.ts'
import { type NetworkName, networkNames } from './engine-api.ts'
import { type ExplanationSettings, hiddenChoices, methodChoices, methodNames } from './explanation-settings.ts'
import {
  initialParameters,
  type SegmenterChoice,
  segmenterChoices,
  segmenterParameters,
} from './segmenter-parameters.ts'

/** What the page's address says: which view, which test image, how it is explained. A copied link shows the same again. */

export const viewNames = ['explain', 'compare', 'train', 'judge', 'results'] as const
export type ViewName = (typeof viewNames)[number]

/** Whose pictures: the data set's, or photographs, of which ./photograph-address.ts says the rest. */
export const modes = ['data-set', 'photograph'] as const
export type Mode = (typeof modes)[number]

/** One side's explanation. */
export interface Asked {
  readonly network: NetworkName
  /** The class explained; null for the most probable. */
  readonly label: number | null
  readonly settings: ExplanationSettings
  /** Whether it is explained, and explained anew whenever something changes. */
  readonly isExplained: boolean
}

export interface AddressedSide extends Asked {
  /** The test image's number. On the right null for the left one's picture, on the left for a picture that no link can hold. */
  readonly image: number | null
}

export interface View {
  readonly view: ViewName
  readonly mode: Mode
  readonly left: AddressedSide
  readonly right: AddressedSide
}

/** More than this is of no use on one page: at 20,000 samples the weights hardly move any more. */
export const maxSamples = 20_000
export const maxSeed = 2 ** 32 - 1
export const kernelWidths = { min: 0.05, max: 2, step: 0.05 } as const

const plainSettings: ExplanationSettings = {
  method: 'lime',
  segmenter: 'auto',
  parameters: null,
  samples: 1000,
  seed: 123,
  kernelWidth: 0.25,
  hidden: 'segment',
}

/** What is not in an address. */
export const plainSide: AddressedSide = {
  image: 135,
  network: 'tutorial',
  label: null,
  settings: plainSettings,
  isExplained: false,
}

/** What an address that says nothing shows: a shirt that the network takes for a coat, and why. */
export const firstView: View = {
  view: 'explain',
  mode: 'data-set',
  left: { ...plainSide, settings: { ...plainSettings, segmenter: 'felzenszwalb' }, isExplained: true },
  right: {
    ...plainSide,
    image: null,
    settings: { ...plainSettings, segmenter: 'slic', parameters: { n_segments: 20, compactness: 10, sigma: 0 } },
    isExplained: true,
  },
}

/** Where one of these is given, what is not is plain; where none is, the first view's side stands. */
const sideNames = [
  'index',
  'network',
  'label',
  'method',
  'segmenter',
  'samples',
  'seed',
  'kernel-width',
  'hide-color',
  'explain',
]

/** Of the right side's parameters. */
const rightPrefix = 'right-'

/** Names and values as the command's options have them. Where an address says what can't be, the plain value stands. */
export function readAddress(search: string, imageCount: number): View {
  const parameters = new URLSearchParams(search)
  const view = viewNames.find((name) => name === parameters.get('view')) ?? firstView.view
  if (parameters.get('mode') === 'photograph') return { ...firstView, view, mode: 'photograph' }
  const saysOf = (prefix: string) => sideNames.some((name) => parameters.has(prefix + name))
  return {
    view,
    mode: 'data-set',
    left: saysOf('') ? readSide(parameters, '', imageCount, plainSide) : firstView.left,
    right: saysOf(rightPrefix)
      ? readSide(parameters, rightPrefix, imageCount, { ...plainSide, image: null })
      : firstView.right,
  }
}

/** What an address says that can't be, as "samples=NaN"; something else stands in its place. */
export function unreadIn(search: string, imageCount: number): string[] {
  if (readAddress(search, imageCount).mode === 'photograph') return []
  const taken = new URLSearchParams(addressOf(readAddress(search, imageCount)))
  const plain = new Map(
    Object.entries({
      network: plainSide.network,
      method: plainSettings.method,
      'kernel-width': String(plainSettings.kernelWidth),
      'hide-color': plainSettings.hidden,
    }),
  )
  return Array.from(new URLSearchParams(search)).flatMap(([name, value]) => {
    const own = name.startsWith(rightPrefix) ? name.slice(rightPrefix.length) : name
    const isKnown = name === 'view' || (own !== 'explain' && sideNames.includes(own))
    const as = taken.get(name) ?? plain.get(own) ?? (name === 'view' ? firstView.view : null)
    const isTaken = as === value || (value.trim() !== '' && as !== null && Number(as) === Number(value))
    return isKnown && !isTaken ? [`${name}=${value}`] : []
  })
}

function readSide(all: URLSearchParams, prefix: string, imageCount: number, plain: AddressedSide): AddressedSide {
  const get = (name: string) => all.get(prefix + name)
  const whole = (name: string, least: number, most: number): number | null => {
    const text = get(name) ?? ''
    const value = Number(text)
    return /^\d+$/.test(text) && value >= least && value <= most ? value : null
  }
  const between = (name: string, least: number, most: number): number | null => {
    const text = get(name)
    const value = Number(text)
    return text !== null && text.trim() !== '' && value >= least && value <= most ? value : null
  }
  const { settings } = plain
  const method = methodNames.find((name) => name === get('method')) ?? settings.method
  const word = methodChoices[method].samplings.find((sampling) => sampling !== 'number' && sampling === get('samples'))
  const segmenter = segmenterChoices.find((choice) => choice === get('segmenter')) ?? settings.segmenter
  const { min, max } = kernelWidths
  const network = networkNames.find((name) => name === get('network')) ?? plain.network
  return {
    image: whole('index', 0, imageCount - 1) ?? plain.image,
    network,
    // How many classes one's own network has is not known before it is opened.
    label: whole('label', 0, network === 'own' ? Number.MAX_SAFE_INTEGER : task.classNames.length - 1),
    settings: {
      method,
      segmenter,
      parameters: readParameters(segmenter, between),
      samples: word === 'auto' || word === 'exact' ? word : (whole('samples', 1, maxSamples) ?? settings.samples),
      seed: whole('seed', 0, maxSeed) ?? settings.seed,
      kernelWidth: between('kernel-width', min, max) ?? settings.kernelWidth,
      hidden: hiddenChoices.find((choice) => choice === get('hide-color')) ?? settings.hidden,
    },
    isExplained: get('explain') !== null,
  }
}

/** A segmenter's parameters by scikit-image's names; null where none is given. */
function readParameters(
  segmenter: SegmenterChoice,
  between: (name: string, least: number, most: number) => number | null,
): Readonly<Record<string, number>> | null {
  const given = segmenterParameters[segmenter].flatMap(({ name, min, max }) => {
    const value = between(name, min, max)
    return value === null ? [] : [[name, value] as const]
  })
  return given.length === 0 ? null : { ...initialParameters(segmenter), ...Object.fromEntries(given) }
}

/** Whether a view is of photographs: there are views of the data set alone. */
export function showsPhotographs({ view, mode }: Pick<View, 'view' | 'mode'>): boolean {
  return mode === 'photograph' && (view === 'explain' || view === 'compare')
}

/** The address of a view of the data set, from its question mark on; empty for a picture that it can't hold. */
export function addressOf({ view, left, right }: Omit<View, 'mode'>): string {
  const parameters = new URLSearchParams()
  if (view !== 'explain') parameters.set('view', view)
  if (view === 'explain' || view === 'compare') {
    if (left.image === null) return view === 'explain' ? '' : `?${parameters}`
    writeSide(parameters, '', left)
  }
  if (view === 'compare') writeSide(parameters, rightPrefix, right)
  return `?${parameters}`
}

function writeSide(
  parameters: URLSearchParams,
  prefix: string,
  { image, network, label, settings, isExplained }: AddressedSide,
): void {
  const set = (name: string, value: string | number) => parameters.set(prefix + name, String(value))
  if (image !== null) set('index', image)
  if (network !== plainSide.network) set('network', network)
  if (label !== null) set('label', label)
  if (settings.method !== plainSettings.method) set('method', settings.method)
  set('segmenter', settings.segmenter)
  for (const [name, value] of Object.entries(settings.parameters ?? {})) set(name, value)
  set('samples', settings.samples)
  set('seed', settings.seed)
  if (settings.kernelWidth !== plainSettings.kernelWidth) set('kernel-width', settings.kernelWidth)
  if (settings.hidden !== plainSettings.hidden) set('hide-color', settings.hidden)
  if (isExplained) set('explain', '')
}
