/** A picture as it came out of a file: whole levels, upright, with nothing transparent. */
export interface Picture {
  /** [height, width, channels], row-major: 0 (black) to 255, of 16 bits 0 to 65535. */
  readonly data: Uint8Array | Uint16Array
  readonly height: number
  readonly width: number
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3
}

export interface FloatImage {
  /** [height, width, channels], row-major, 0 (black) to 1. */
  readonly data: Float64Array
  readonly height: number
  readonly width: number
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3
}

/** What stands for white. */
export function whiteOf({ data }: Picture | FloatImage): number {
  if (data instanceof Float64Array) return 1
  return data instanceof Uint16Array ? 65535 : 255
}

/** The picture in numbers from 0 to 1: eight bytes a number, which large pictures are better resized without. */
export function floatImage(picture: Picture): FloatImage {
  const { height, width, channels } = picture
  const white = whiteOf(picture)
  return { data: Float64Array.from(picture.data, (level) => level / white), height, width, channels }
}
