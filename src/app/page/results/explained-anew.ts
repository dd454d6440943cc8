import type { RequestInput } from '../../../lime/index.ts'
import type { ResultRow } from '../../runs/result-row.ts'
import type { NetworkName } from '../contract/engine-api.ts'
import {
  type ExplanationSettings,
  hiddenChoices,
  hideColorOf,
  methodChoices,
  methodNames,
} from '../contract/explanation-settings.ts'
import { type AddressedSide, kernelWidths, maxSamples, plainSide } from '../contract/page-address.ts'
import { initialParameters, segmenterChoices, segmenterParameters } from '../contract/segmenter-parameters.ts'
import type { RunDescription } from './run-description.ts'

/** A row of a test image, explained anew on the page: with its own seeds, and as the run asked, as far as that is known. */

export type AskedRow = Pick<ResultRow, 'id' | 'method' | 'samples' | 'random_state' | 'random_seed' | 'class_index'>

/** The number of the test image that a row is of; null for a picture of another kind. Other images have paths. */
export function testImageOf({ id, path }: Pick<ResultRow, 'id' | 'path'>, count: number): number | null {
  return path === null && /^\d+$/.test(id) && Number(id) < count ? Number(id) : null
}

/** @param chosen the network that answers where the run's is not one of the page's */
export function explainedAnew(row: AskedRow, run: RunDescription | null, chosen: NetworkName): AddressedSide {
  return {
    image: Number(row.id),
    network: (run && networkNamed(run.model)) ?? chosen,
    label: row.class_index,
    settings: settingsOf(row, run?.request ?? null),
    isExplained: true,
  }
}

/** An address has one seed, for the samples and the segmenter. */
export function hasOneSeed({ random_state: state, random_seed: seed }: AskedRow): boolean {
  return state === null || state === seed
}

/** The page's own networks are files of the project. */
function networkNamed(model: string): NetworkName | null {
  if (/(^|[/\\])fashion-cnn\.safetensors$/.test(model)) return 'tutorial'
  return /(^|[/\\])fashion-resnet\.safetensors$/.test(model) ? 'resnet' : null
}

/** What an address can't say, or what is not known, is as usual. */
function settingsOf(row: AskedRow, request: RequestInput | null): ExplanationSettings {
  const usual = plainSide.settings
  const method = methodNames.find((name) => name === row.method) ?? usual.method
  // Where nothing is drawn there is no seed for it: all mixtures were asked.
  const samples = request?.samples ?? (row.random_state === null ? 'exact' : row.samples)
  const isPossible =
    typeof samples === 'number'
      ? samples <= maxSamples
      : samples !== null && methodChoices[method].samplings.includes(samples)
  const { kernelWidth = usual.kernelWidth, hideColor = null, segmenter } = request ?? {}
  return {
    method,
    ...segmenterOf(segmenter),
    samples: isPossible && samples !== null ? samples : usual.samples,
    seed: row.random_state ?? row.random_seed,
    kernelWidth: kernelWidth >= kernelWidths.min && kernelWidth <= kernelWidths.max ? kernelWidth : usual.kernelWidth,
    hidden: hiddenChoices.find((choice) => hideColorOf(choice) === hideColor) ?? usual.hidden,
  }
}

function segmenterOf(given: RequestInput['segmenter']): Pick<ExplanationSettings, 'segmenter' | 'parameters'> {
  const segmenter = segmenterChoices.find((choice) => choice === given?.name)
  if (!segmenter || !given?.parameters) return { segmenter: segmenter ?? 'auto', parameters: null }
  const said = segmenterParameters[segmenter].flatMap(({ name, min, max }) => {
    const value = Number(given.parameters?.[name])
    return value >= min && value <= max ? [[name, value] as const] : []
  })
  return { segmenter, parameters: { ...initialParameters(segmenter), ...Object.fromEntries(said) } }
}
