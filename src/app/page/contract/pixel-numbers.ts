import type { PictureOptions } from '../../tasks/picture-task.ts'

/** How a network takes pixels, in numbers, as the command's options and the page's address have them. */
export type PixelNumbers = Pick<PictureOptions, 'scale' | 'mean' | 'std'>

export const pixelNumberNames = ['scale', 'mean', 'std'] as const
export type PixelNumberName = (typeof pixelNumberNames)[number]

/** Of numbers that stand for one each channel; a scale is one for all. */
const most: Readonly<Record<PixelNumberName, number>> = { scale: 1, mean: 3, std: 3 }

/** Why a text is no such numbers, as in "0,5: expected …"; null where it is some, or empty. */
export function whyNoNumbers(name: PixelNumberName, text: string): string | null {
  if (text.trim() === '' || numbersFrom(name, text)) return null
  return `${text} can’t be taken: expected a number${most[name] > 1 ? ', or one for each channel with commas between them' : ''}.`
}

function numbersFrom(name: PixelNumberName, text: string): readonly number[] | null {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  return numbers.length <= most[name] && numbers.every(Number.isFinite) ? numbers : null
}

/** @returns null where nothing is given, or something is that can't be read: the rest alone would be another preprocessing */
export function pixelNumbersFrom(texts: Readonly<Record<PixelNumberName, string>>): PixelNumbers | null {
  const given = pixelNumberNames.filter((name) => texts[name].trim() !== '')
  if (given.length === 0 || given.some((name) => !numbersFrom(name, texts[name]))) return null
  const of = (name: PixelNumberName) => numbersFrom(name, texts[name]) ?? undefined
  const [scale, mean, std] = [of('scale')?.[0], of('mean'), of('std')]
  return { ...(scale !== undefined && { scale }), ...(mean && { mean }), ...(std && { std }) }
}

/** As they are typed and stand in an address; '' for what is not given. */
export function pixelNumbersAsText(numbers: PixelNumbers | null): Readonly<Record<PixelNumberName, string>> {
  const { scale, mean, std } = numbers ?? {}
  return { scale: scale?.toString() ?? '', mean: mean?.join(',') ?? '', std: std?.join(',') ?? '' }
}

export function isSamePixelNumbers(one: PixelNumbers | null, other: PixelNumbers | null): boolean {
  const [a, b] = [pixelNumbersAsText(one), pixelNumbersAsText(other)]
  return pixelNumberNames.every((name) => a[name] === b[name])
}
