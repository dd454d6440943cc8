import type { PictureTask } from '../../tasks/picture-task.ts'

/** How networks usually take pixels: (pixel from 0 to 255) x scale + offset, one number a channel or one for all. */
export type Preprocessing = NonNullable<PictureTask['preprocessing']>['value']

/** As torchvision normalises: of values from 0 to 1, red, green, blue. */
const mean = [0.485, 0.456, 0.406]
const deviation = [0.229, 0.224, 0.225]

export const preprocessings = {
  'zero-one': { title: '0 to 1', value: { scale: [1 / 255], offset: [0] } },
  'minus-one': { title: '−1 to 1', value: { scale: [1 / 127.5], offset: [-1] } },
  imagenet: {
    title: 'ImageNet’s mean and deviation',
    value: {
      scale: deviation.map((each) => 1 / (255 * each)),
      offset: deviation.map((each, channel) => -mean[channel] / each),
    },
  },
  bytes: { title: '0 to 255, as they are', value: { scale: [1], offset: [0] } },
} as const satisfies Readonly<Record<string, { readonly title: string; readonly value: Preprocessing }>>

export type PreprocessingName = keyof typeof preprocessings

/** From what to what a pixel's value is led, in words. */
export function preprocessingInWords({ scale, offset }: Preprocessing): string {
  const known = Object.values(preprocessings).find(
    ({ value }) => isNear(value.scale, scale) && isNear(value.offset, offset),
  )
  if (known) return known.title
  const numbers = (all: readonly number[]) => all.map((each) => Number(each.toPrecision(4))).join(', ')
  return `pixel × ${numbers(scale)} + ${numbers(offset)}`
}

function isNear(one: readonly number[], other: readonly number[]): boolean {
  const extent = Math.max(one.length, other.length)
  const at = (list: readonly number[], i: number) => list[list.length === 1 ? 0 : i]
  return Array.from({ length: extent }, (_, i) => Math.abs(at(one, i) - at(other, i)) < 1e-6).every(Boolean)
}
