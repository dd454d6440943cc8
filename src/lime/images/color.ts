import { check, isNumberArray, thatIs } from '../../engine/arguments.ts'
import { inOneGo, type Steps, stepSize } from '../steps.ts'
import { cubeRoot, sRgbPower } from './powers.ts'

/**
 * Colour spaces in float64, as scikit-image converts them: sRGB (IEC 61966-2-1) -> linear RGB -> CIE XYZ -> CIE L*a*b*, under
 * the illuminant D65 for the 2 degree observer.
 */

const colours = thatIs<ArrayLike<number>>(
  'an array of numbers, three a pixel',
  (value) => (isNumberArray(value) || Array.isArray(value)) && value.length % 3 === 0,
)

const whiteX = 0.95047
const whiteZ = 1.08883

function linear(value: number): number {
  return value > 0.04045 ? sRgbPower((value + 0.055) / 1.055) : value / 12.92
}

const places = 4096
const known = new Float64Array(places).fill(Number.NaN)
const answers = new Float64Array(places)

/**
 * `linear` of every value, in place. Pictures mostly come from bytes and hold 256 values at most, all of them the same: what was
 * computed lately, for whichever picture, is looked up, a power taking ten times as long.
 */
function* makeLinear(values: Float64Array): Steps<void> {
  for (let i = 0, pause = pixelStep; i < values.length; i++) {
    const value = values[i]
    const place = (value * 4081) & (places - 1)
    if (known[place] !== value) {
      known[place] = value
      answers[place] = linear(value)
    }
    values[i] = answers[place]
    if (i < pause) continue
    pause += pixelStep
    yield
  }
}

/** Values between two pauses: each takes as long as some thirty additions. */
const pixelStep = stepSize / 32

function labCurve(value: number): number {
  return value > 0.008856 ? cubeRoot(value) : 7.787 * value + 16 / 116
}

/**
 * sRGB -> Lab: L in 0..100, a and b around -128..127.
 * @param rgb [pixels * 3], values in [0, 1]
 * @returns [pixels * 3]
 */
export function rgbToLab(rgb: Float64Array): Float64Array {
  check('rgbToLab', colours, rgb, 'rgb')
  return inOneGo(labOf(rgb))
}

/** rgbToLab for pictures of any size. */
export function* labOf(rgb: Float64Array): Steps<Float64Array> {
  const lab = rgb.slice()
  yield* makeLinear(lab)
  for (let i = 0, pause = pixelStep; i < rgb.length; i += 3) {
    const r = lab[i]
    const g = lab[i + 1]
    const b = lab[i + 2]
    const x = labCurve((0.412453 * r + 0.35758 * g + 0.180423 * b) / whiteX)
    const y = labCurve(0.212671 * r + 0.71516 * g + 0.072169 * b)
    const z = labCurve((0.019334 * r + 0.119193 * g + 0.950227 * b) / whiteZ)
    lab[i] = 116 * y - 16
    lab[i + 1] = 500 * (x - y)
    lab[i + 2] = 200 * (y - z)
    if (i < pause) continue
    pause += pixelStep
    yield
  }
  return lab
}

/**
 * RGB -> luminance, 0.2125 R + 0.7154 G + 0.0721 B (scikit-image's rgb2gray; ITU-R BT.709 primaries).
 * @param rgb [pixels * 3]
 * @returns [pixels], in the values' own range
 */
export function rgbToGray(rgb: ArrayLike<number>): Float64Array {
  check('rgbToGray', colours, rgb, 'rgb')
  const gray = new Float64Array(rgb.length / 3)
  for (let i = 0; i < gray.length; i++)
    gray[i] = 0.2125 * rgb[3 * i] + 0.7154 * rgb[3 * i + 1] + 0.0721 * rgb[3 * i + 2]
  return gray
}
