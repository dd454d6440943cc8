import * as v from 'valibot'
import {
  check,
  either,
  finiteNumber,
  flag,
  listOf,
  oneOf,
  optionsOf,
  text,
  thatIs,
  wholeNumber,
} from '../engine/arguments.ts'
import { ArgumentError } from '../engine/errors.ts'
import type { CommonFields, ExplainImage, MethodFields, MethodInput } from './explainers/method.ts'
import { type MethodName, methodNamed, methodNames, methods } from './explainers/registry.ts'
import { usualTopLabels } from './explainers/subject.ts'
import { type HideColor, hideColorWords, isHiddenFill } from './images/fudged-image.ts'
import { mapName } from './segmenters/label-map.ts'
import { segmenterNamed, segmenterSettings } from './segmenters/registry.ts'

/**
 * How an image is to be explained, as plain data that JSON can hold. The command's options, the page's address, what the page says
 * to its Worker, batches and records all come down to it. explanationRequest() makes it complete: whatever decides the numbers is in
 * it, nothing else is, and each has one form.
 */
export interface ExplanationRequest extends CommonFields, MethodFields {
  readonly version: 1
  readonly method: MethodName
}

/** A request as it may be given: what is left out is as usual, names may be Python's, and a segmenter's parameters texts. */
export interface RequestInput extends Partial<Omit<CommonFields, 'segmenter'>>, MethodInput {
  readonly version: 1
  readonly method: MethodName | (string & {})
  readonly segmenter?: SegmenterInput | null
}

interface SegmenterInput {
  readonly name: string
  readonly parameters?: Readonly<Record<string, number | string | boolean>>
}

/** Of samples, segmenter and noise, unless given: a request says all that decides its numbers. */
const usualSeed = 123

const heading = v.looseObject({ version: oneOf(1), method: text })

const segmenterInput = optionsOf<SegmenterInput>(
  {
    name: text,
    parameters: v.record(v.string(), either('a finite number, true, false or a text', finiteNumber, flag, text)),
  },
  'name',
)

const mapParameters = optionsOf<{ digest: string }>(
  {
    digest: thatIs<string>(
      'the SHA-256 of a label map, 64 hexadecimal digits, as mapSegmenter(map) gives it',
      (value) => typeof value === 'string' && /^[\da-f]{64}$/i.test(value),
    ),
  },
  'digest',
)

const colour = thatIs<HideColor>(
  `a number, a list of numbers, ${hideColorWords}`,
  (value) =>
    value === null ||
    isHiddenFill(value) ||
    Number.isFinite(value) ||
    (Array.isArray(value) && value.every(Number.isFinite)),
)

const commonFields = {
  version: oneOf(1),
  method: text,
  /** By segmenterInput: refusals then name what is in it. */
  segmenter: v.any(),
  labels: listOf('a list of class numbers', wholeNumber(0)),
  topLabels: wholeNumber(1),
  hideColor: colour,
  randomState: wholeNumber(0, 2 ** 32 - 1),
  randomSeed: wholeNumber(0),
  factored: flag,
}

/**
 * Checks a request and makes it complete. What is left out is filled in; what would change nothing (a penalty's or a sampling's
 * settings where there is none, a seed that nothing draws from, a label given twice) is left out; of several names for one thing one
 * stays. Two requests that ask for the same are the same text as JSON then, and so one run of a batch; a complete request is taken as
 * it is. A default that depends on another field (alpha on samples) is filled in, too: change what was given, not what came of it.
 * @param given what a caller made, or JSON.parse of a file
 * @throws ArgumentError for what no image can make right: another version, an unknown method or segmenter, a field that the method
 *   does not take or that is outside its range
 */
export function explanationRequest(given: RequestInput): ExplanationRequest {
  check('the request', heading, given, 'request')
  const { version, segmenter = null, labels, topLabels = usualTopLabels, hideColor = null, factored = true } = given
  const { randomState = usualSeed, randomSeed = usualSeed } = given
  const method = methodNamed(given.method)
  const { fields, complete, draws } = methods[method]
  // What is undefined is left out, as JSON has it.
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const name of Object.keys(said)) checkTaken(method, name)
  check(method, optionsOf<Omit<RequestInput, keyof MethodFields>>({ ...commonFields, ...fields }), said)
  if (segmenter !== null) check('segmenter', segmenterInput, segmenter)
  if (labels && given.topLabels !== undefined) throw new ArgumentError(`${method}: give labels or topLabels, not both`)
  const own = complete(given)
  return {
    version,
    method,
    segmenter: segmenter && checkedSegmenter(segmenter, randomSeed),
    ...(labels ? { labels: [...new Set(labels)] } : { topLabels }),
    hideColor,
    ...(draws(own) && { randomState }),
    randomSeed,
    factored,
    ...own,
  }
}

/** @throws ArgumentError for a field that only other methods take */
function checkTaken(method: MethodName, name: string): void {
  const own = Object.keys(methods[method].fields)
  const others = methodNames.filter((other) => name in methods[other].fields)
  if (own.includes(name) || others.length === 0) return
  throw new ArgumentError(`${method} takes no ${name}; beside what every method takes, it takes ${own.join(', ')}`, {
    caller: method,
    argument: name,
    why: `is for the method ${others.join(' or ')}, not for ${method}`,
  })
}

/**
 * With all its parameters, as numbers. Only a seed of its own may be missing: it is the request's then.
 * @throws ArgumentError for a name or parameter that there is not, or one outside its range
 */
function checkedSegmenter({ name, parameters }: SegmenterInput, randomSeed: number): CommonFields['segmenter'] {
  if (name === mapName) {
    check('segmenter map', mapParameters, parameters ?? {})
    return { name, parameters: { digest: String(parameters?.digest).toLowerCase() } }
  }
  const { random_seed: ownSeed = randomSeed, ...settings } = segmenterSettings(name, parameters)
  const own = ownSeed === randomSeed ? settings : { ...settings, random_seed: ownSeed }
  segmenterNamed(name, own)
  for (const [parameter, value] of Object.entries(own))
    if (!Number.isFinite(Number(value)))
      throw new ArgumentError(
        `segmenter ${name}: ${parameter} is ${value}, which JSON can't hold; give a finite number`,
      )
  return { name, parameters: own }
}

/**
 * What explains images as a request says. Its calls draw from one random stream, which begins at the request's seed.
 * @throws ArgumentError as explanationRequest
 */
export function explainerFor(given: RequestInput): ExplainImage {
  const request = explanationRequest(given)
  return methods[request.method].explainer(request)
}
