import { type ImageSet, pixelsOf } from '../../data/image-set.ts'
import { task } from '../../tasks/chosen-task.ts'

/** What is looked at: one picture as the network takes it. */
export interface Picture {
  /** [height * width], 0 (black) to 255. */
  readonly pixels: Uint8Array
  /** For people, and for those who hear the page. */
  readonly name: string
  /** What it shows; null where nobody said. */
  readonly trueLabel: number | null
  /** Its number among the test images; null for a file. */
  readonly index: number | null
  /** Of a file: whether it looks dark on light, while the network learned light on dark. */
  readonly isDarkOnLight?: boolean
  readonly isInverted?: boolean
}

export function testPicture(images: ImageSet, index: number): Picture {
  return {
    // A copy: it goes to the Worker, and a view would take all images along.
    pixels: pixelsOf(images, index).slice(),
    name: `Test image ${index}`,
    trueLabel: images.labels[index],
    index,
  }
}

/** What a camera saw. */
export async function cameraPicture(taken: ImageBitmap): Promise<Picture> {
  const { pictureFromBitmap } = await import('./picture-from-file.ts')
  const { pixels, isDarkOnLight } = pictureFromBitmap(taken, "The camera's picture")
  return { pixels, name: 'Camera picture', trueLabel: null, index: null, isDarkOnLight }
}

/** What a picture is, in words. */
export function describePicture({ name, trueLabel }: Picture): string {
  return trueLabel === null ? name : `${name}: ${task.classNames[trueLabel]}`
}

/** What a picture shows as one of these classes; null where nobody said, or where a network has other classes. */
export function labelAmong(classNames: readonly string[], label: number | null): number | null {
  return label !== null && classNames[label] === task.classNames[label] ? label : null
}

/** The picture's negative; twice, and it is the picture again. */
export function inverted(picture: Picture): Picture {
  return { ...picture, pixels: picture.pixels.map((value) => 255 - value), isInverted: !picture.isInverted }
}
