import { check, optionsOf, thatIs } from '../../engine/arguments.ts'
import { ShapeError } from '../../engine/errors.ts'
import { type Image, type ImageInput, toImage, toRgb } from '../images/image.ts'
import { type LabelMap, labelMap } from '../segmenters/label-map.ts'

const background = 0

const boundariesOptions = optionsOf<{ readonly color?: readonly number[] }>({
  color: thatIs<readonly number[]>(
    'three finite numbers',
    (value) => Array.isArray(value) && value.length === 3 && value.every(Number.isFinite),
  ),
})

/**
 * Whether a pixel of an object counts as touching another object: scikit-image compares the largest label among its eight
 * neighbours with the smallest, the background raised to the largest integer so that it does not count as smallest. But where
 * all three pixels above one another left of, at or right of the pixel are background, that integer overflows inside SciPy's
 * filter (it goes through float64 on its way from the vertical to the horizontal pass) and comes out as the smallest there is,
 * so that objects are outlined on their own side too along such edges. The pictures people know have those lines, so ours do.
 */
function touchesObject({ data, shape: [height, width] }: LabelMap, y: number, x: number): boolean {
  let largest = Number.NEGATIVE_INFINITY
  let smallest = Number.POSITIVE_INFINITY
  for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
    let smallestInColumn = Number.POSITIVE_INFINITY
    for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
      const label = data[row * width + column]
      largest = Math.max(largest, label)
      if (label !== background) smallestInColumn = Math.min(smallestInColumn, label)
    }
    if (smallestInColumn === Number.POSITIVE_INFINITY) return true
    smallest = Math.min(smallest, smallestInColumn)
  }
  return largest !== smallest
}

/**
 * Where labels meet, [H*W] of 0/1: scikit-image's `find_boundaries(mode='outer', background=0)`. A pixel is on the boundary when
 * one of its four neighbours has another label and it is background, or counts as touching another object.
 */
export function findBoundaries(labels: LabelMap): Uint8Array {
  check('findBoundaries', labelMap, labels, 'labels')
  const { data } = labels
  const [height, width] = labels.shape
  const boundaries = new Uint8Array(data.length)
  for (let y = 0, pixel = 0; y < height; y++)
    for (let x = 0; x < width; x++, pixel++) {
      const label = data[pixel]
      const differs =
        (x > 0 && data[pixel - 1] !== label) ||
        (x + 1 < width && data[pixel + 1] !== label) ||
        (y > 0 && data[pixel - width] !== label) ||
        (y + 1 < height && data[pixel + width] !== label)
      if (differs && (label === background || touchesObject(labels, y, x))) boundaries[pixel] = 1
    }
  return boundaries
}

/**
 * A copy of the image in colour with the boundaries of the label map painted over it: scikit-image's
 * `mark_boundaries(image, mask, color)` with its defaults. Bytes become floats in [0, 1]; floats keep their type.
 * @param options.color red, green and blue in [0, 1]; yellow by default
 * @throws ShapeError when image and map differ in size
 * @throws ArgumentError for a colour that is not three finite numbers
 */
export function markBoundaries(
  image: ImageInput,
  labels: LabelMap,
  options: { readonly color?: readonly number[] } = {},
): Image {
  check('markBoundaries', boundariesOptions, options)
  const { color = [1, 1, 0] } = options
  check('markBoundaries', labelMap, labels, 'labels')
  const rgb = toRgb(toImage(image))
  if (labels.shape[0] !== rgb.height || labels.shape[1] !== rgb.width)
    throw new ShapeError(
      `markBoundaries: the image is [${rgb.height}, ${rgb.width}], the map [${labels.shape.join(', ')}]`,
    )
  const data = rgb.data instanceof Uint8Array ? Float64Array.from(rgb.data, (value) => value / 255) : rgb.data.slice()
  findBoundaries(labels).forEach((marked, pixel) => {
    if (marked) data.set(color, 3 * pixel)
  })
  return { ...rgb, data }
}
