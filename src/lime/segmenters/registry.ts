import { shown } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { felzenszwalb, felzenszwalbDefaults } from './felzenszwalb.ts'
import { grid, gridDefaults } from './grid.ts'
import type { Segmenter } from './label-map.ts'
import { quickshift, quickshiftDefaults } from './quickshift.ts'
import { slic, slicDefaults } from './slic.ts'
import { watershed, watershedDefaults } from './watershed.ts'

/** Python lime's own parameters of quickshift. */
export const limeQuickshift = { kernelSize: 4, maxDist: 200, ratio: 0.2 } as const

type Settings = Record<string, number | boolean>

interface Entry {
  /** scikit-image's name of each parameter -> ours. */
  readonly parameters: Readonly<Record<string, string>>
  /** What parameters are that are left out, by our names. */
  readonly usual: (given: Settings) => Readonly<Settings>
  readonly make: (settings: Settings) => Segmenter
}

/** Whether anything but the seed was given: otherwise a bare `quickshift` means lime's. */
const isBare = (settings: Settings) => Object.keys(settings).every((name) => name === 'randomSeed')

const registry: Readonly<Record<string, Entry>> = {
  quickshift: {
    parameters: {
      kernel_size: 'kernelSize',
      max_dist: 'maxDist',
      ratio: 'ratio',
      sigma: 'sigma',
      random_seed: 'randomSeed',
    },
    usual: (given) => (isBare(given) ? { ...quickshiftDefaults, ...limeQuickshift } : quickshiftDefaults),
    make: quickshift,
  },
  felzenszwalb: {
    parameters: { scale: 'scale', sigma: 'sigma', min_size: 'minSize' },
    usual: () => felzenszwalbDefaults,
    make: felzenszwalb,
  },
  grid: { parameters: { rows: 'rows', columns: 'columns' }, usual: () => gridDefaults, make: grid },
  slic: {
    parameters: {
      n_segments: 'nSegments',
      compactness: 'compactness',
      max_num_iter: 'maxNumIter',
      sigma: 'sigma',
      start_label: 'startLabel',
      enforce_connectivity: 'enforceConnectivity',
    },
    usual: () => slicDefaults,
    make: slic,
  },
  watershed: {
    parameters: { markers: 'markers', compactness: 'compactness' },
    usual: () => watershedDefaults,
    make: watershed,
  },
}

/** The names that segmenterNamed knows. */
export const segmenterNames: readonly string[] = Object.keys(registry)

function parsed(name: string, value: number | string | boolean): number | boolean {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'number' && typeof value !== 'string')
    throw new ArgumentError(`segmenter parameter ${name}: expected a number, not ${shown(value)}`)
  if (name === 'enforce_connectivity') {
    if (/^(true|1)$/i.test(String(value))) return true
    if (/^(false|0)$/i.test(String(value))) return false
    throw new ArgumentError(`segmenter parameter ${name}: expected true or false, not ${shown(value)}`)
  }
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value)
  if (Number.isNaN(number))
    throw new ArgumentError(`segmenter parameter ${name}: expected a number, not ${shown(value)}`)
  return number
}

/**
 * Parameters by scikit-image's names as numbers, or true and false, in the registry's order and with what is usual where one is left
 * out (random_seed alone stays out: it is the explanation's then). A command line gives them as text.
 * @throws ArgumentError for an unknown name or parameter, listing the valid ones, or a value that does not parse
 */
export function segmenterSettings(
  name: string,
  parameters: Readonly<Record<string, number | string | boolean>> = {},
): Settings {
  const { parameters: known, usual } = entryNamed(name)
  if (typeof parameters !== 'object' || parameters === null)
    throw new ArgumentError(`${name}: its parameters must be an object of names and values, not ${shown(parameters)}`)
  const given: Settings = {}
  for (const [parameter, value] of Object.entries(parameters)) {
    if (!Object.hasOwn(known, parameter))
      throw new ArgumentError(`${name} has no parameter "${parameter}"; valid are ${Object.keys(known).join(', ')}`)
    given[known[parameter]] = parsed(parameter, value)
  }
  const complete: Settings = { ...usual(given), ...given }
  return Object.fromEntries(
    Object.entries(known)
      .filter(([, ours]) => Object.hasOwn(complete, ours))
      .map(([parameter, ours]) => [parameter, complete[ours]]),
  )
}

function entryNamed(name: string): Entry {
  if (typeof name === 'string' && Object.hasOwn(registry, name)) return registry[name]
  throw new ArgumentError(`there is no segmenter ${shown(name)}; valid are ${segmenterNames.join(', ')}`)
}

/**
 * A segmenter by scikit-image's names: `segmenterNamed('felzenszwalb', { min_size: 50 })`. Parameters left out have
 * scikit-image's defaults, with two exceptions: a bare `quickshift` (no parameter, or random_seed alone) is lime's
 * (kernel_size 4, max_dist 200, ratio 0.2), and slic starts at label 0. Values may be text, as a command line gives them.
 * @throws ArgumentError for an unknown name or parameter, listing the valid ones, or a value that does not parse
 */
export function segmenterNamed(
  name: string,
  parameters: Readonly<Record<string, number | string | boolean>> = {},
): Segmenter {
  const { parameters: ours, make } = entryNamed(name)
  const settings = Object.entries(segmenterSettings(name, parameters))
  return make(Object.fromEntries(settings.map(([parameter, value]) => [ours[parameter], value])))
}
