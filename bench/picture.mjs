/** Photographs for networks. */
import { readFileSync } from 'node:fs'
import { decode } from 'fast-png'

/** A PNG as large as the network takes it, values 0 to 1: means of the pixels that each place covers, on white. */
export function pictureAt(path, side) {
  const { data, width, height, channels } = decode(readFileSync(path))
  const out = new Float64Array(side * side * 3)
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [top, left] = [Math.floor((y * height) / side), Math.floor((x * width) / side)]
      const [end, right] = [Math.ceil(((y + 1) * height) / side), Math.ceil(((x + 1) * width) / side)]
      for (let row = top; row < end; row++)
        for (let column = left; column < right; column++)
          for (let c = 0; c < 3; c++) {
            const at = (row * width + column) * channels
            const shown = channels === 4 ? data[at + 3] / 255 : 1
            const value = shown * (data[at + c] / 255) + 1 - shown
            out[(y * side + x) * 3 + c] += value / ((end - top) * (right - left))
          }
    }
  return { data: out, shape: [side, side, 3] }
}
