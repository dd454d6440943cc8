/** Labelled pictures of one size. */
export interface ImageSet {
  /** [count, height * width] bytes, row-major; 0 is black. */
  readonly images: Uint8Array
  /** [count], from 0: what each shows, by its place among the task's classes. */
  readonly labels: Uint8Array
  readonly count: number
  readonly height: number
  readonly width: number
}

/** One picture of a set, [height * width], as a view of it. */
export function pixelsOf({ images, height, width }: ImageSet, index: number): Uint8Array {
  const size = height * width
  return images.subarray(index * size, (index + 1) * size)
}

/** The first `limit` pictures of a set, as views of it. */
export function firstOf(set: ImageSet, limit: number): ImageSet {
  const count = Math.min(limit, set.count)
  const { images, labels, height, width } = set
  return { ...set, images: images.subarray(0, count * height * width), labels: labels.subarray(0, count), count }
}
