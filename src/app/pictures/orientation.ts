import type { Raster } from './transparency.ts'

/**
 * Turns a picture as EXIF's tag Orientation says a camera was held: 1 as it is, 2 mirrored, 3 turned by 180 degrees, 4 upside down,
 * 5 mirrored at the diagonal from the top left, 6 turned right by 90 degrees, 7 mirrored at the other diagonal, 8 turned left by 90.
 */
export function upright(raster: Raster, orientation: number): Raster {
  if (orientation === 1) return raster
  const { data, samples } = raster
  const isTurned = orientation >= 5
  const [height, width] = isTurned ? [raster.width, raster.height] : [raster.height, raster.width]
  const fromRight = [2, 3, 7, 8].includes(orientation)
  const fromBottom = [3, 4, 6, 7].includes(orientation)
  const result = data.slice()
  for (let row = 0, to = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const [x, y] = isTurned ? [row, column] : [column, row]
      const fromX = fromRight ? raster.width - 1 - x : x
      const fromY = fromBottom ? raster.height - 1 - y : y
      for (let s = 0, from = (fromY * raster.width + fromX) * samples; s < samples; s++) result[to++] = data[from + s]
    }
  return { data: result, height, width, samples }
}

/** A frame on a larger canvas, which is transparent where the frame is not. */
export function onCanvas(frame: Raster, x: number, y: number, width: number, height: number): Raster {
  if (frame.width === width && frame.height === height) return frame
  const { samples } = frame
  const data = new Uint8Array(width * height * samples)
  for (let row = 0; row < frame.height; row++) {
    const from = row * frame.width * samples
    data.set(frame.data.subarray(from, from + frame.width * samples), ((y + row) * width + x) * samples)
  }
  return { data, height, width, samples }
}
