import { rgbToGray } from '../../../lime/index.ts'
import { imageExtent } from '../../data/fashion-mnist.ts'
import { decodePng, maxPixels } from '../../data/png.ts'

/**
 * Somebody's file, or what a camera saw, as a picture for the network: grey, fitted whole into 28 x 28. Loaded when the first
 * one comes, so that the page opens without a PNG reader.
 */

interface GreyImage {
  /** [height * width], 0 to 1. */
  readonly data: ArrayLike<number>
  readonly height: number
  readonly width: number
}

export interface FittedPicture {
  /** [28 * 28], 0 (black) to 255. */
  readonly pixels: Uint8Array
  /** The network learned light clothes on black; this one is more likely dark on light. */
  readonly isDarkOnLight: boolean
}

const maxFileBytes = 64 * 2 ** 20
const pngSignature = [0x89, 0x50, 0x4e, 0x47]

/** @throws Error that says what is wrong with the file, by name */
export async function pictureFromFile(file: File): Promise<FittedPicture> {
  const name = file.name || 'The pasted picture'
  if (file.size > maxFileBytes)
    throw new Error(`${name} has ${Math.round(file.size / 2 ** 20)} MB; pictures may have ${maxFileBytes / 2 ** 20} MB`)
  const bytes = new Uint8Array(await file.arrayBuffer())
  if (bytes.length === 0) throw new Error(`${name} is empty`)
  const isPng = pngSignature.every((byte, i) => bytes[i] === byte)
  const grey = isPng ? await greyFromPng(bytes, name) : await greyFromBrowser(file, name)
  return fit(grey)
}

/**
 * What a camera saw, or any other picture the browser has already.
 * @param name for people, at the beginning of a sentence
 * @throws Error that says what is wrong with it, by name
 */
export function pictureFromBitmap(bitmap: ImageBitmap, name: string): FittedPicture {
  return fit(greyFromBitmap(bitmap, name))
}

async function greyFromPng(bytes: Uint8Array, name: string): Promise<GreyImage> {
  try {
    const { data, height, width, channels } = await decodePng(bytes)
    return { data: channels === 3 ? rgbToGray(data) : data, height, width }
  } catch (error) {
    throw new Error(`${name} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Whatever else the browser can show: JPEG, WebP, GIF, … */
async function greyFromBrowser(file: File, name: string): Promise<GreyImage> {
  const bitmap = await createImageBitmap(file).catch(() => null)
  if (!bitmap) throw new Error(`${name} is not a picture this browser can read; PNG, JPEG, WebP and GIF will do`)
  try {
    return greyFromBitmap(bitmap, name)
  } finally {
    bitmap.close()
  }
}

function greyFromBitmap(bitmap: ImageBitmap, name: string): GreyImage {
  const { width, height } = bitmap
  if (width * height > maxPixels)
    throw new Error(`${name} is ${width}x${height} pixels; at most ${maxPixels} are taken`)
  const context = new OffscreenCanvas(width, height).getContext('2d')
  if (!context) throw new Error(`${name} can't be read: this browser draws no pictures off the screen`)
  // As decodePng has it: what is transparent shows white.
  context.fillStyle = '#fff'
  context.fillRect(0, 0, width, height)
  context.drawImage(bitmap, 0, 0)
  const { data } = context.getImageData(0, 0, width, height)
  const rgb = new Float64Array(width * height * 3)
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[4 * i + c] / 255
  return { data: rgbToGray(rgb), height, width }
}

/** The mean along the picture's edge. */
function edgeBrightness({ data, height, width }: GreyImage): number {
  let sum = 0
  for (let x = 0; x < width; x++) sum += data[x] + data[(height - 1) * width + x]
  for (let y = 0; y < height; y++) sum += data[y * width] + data[y * width + width - 1]
  return sum / (2 * (width + height))
}

/** Scales the longer side to 28 pixels, each the mean of what it covers; the rest is filled with the edge's brightness. */
function fit(image: GreyImage): FittedPicture {
  const { height, width } = image
  const edge = edgeBrightness(image)
  const scale = Math.max(height, width) / imageExtent
  const [rows, columns] = [height, width].map((extent) => Math.max(1, Math.round(extent / scale)))
  const [top, left] = [rows, columns].map((extent) => Math.floor((imageExtent - extent) / 2))
  const fromRows = overlaps(height, rows)
  const fromColumns = overlaps(width, columns)
  const pixels = new Uint8Array(imageExtent * imageExtent).fill(Math.round(edge * 255))
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      let sum = 0
      for (const [row, share] of fromRows[y])
        for (const [column, part] of fromColumns[x]) sum += share * part * image.data[row * width + column]
      pixels[(top + y) * imageExtent + left + x] = Math.min(255, Math.max(0, Math.round(sum * 255)))
    }
  return { pixels, isDarkOnLight: edge > 0.5 }
}

/** Which of `from` source pixels each of `to` target pixels covers, and by what share of itself. */
function overlaps(from: number, to: number): [source: number, share: number][][] {
  const step = from / to
  return Array.from({ length: to }, (_, target) => {
    const [start, end] = [target * step, (target + 1) * step]
    const covered: [number, number][] = []
    for (let source = Math.floor(start); source < Math.min(from, Math.ceil(end - 1e-9)); source++)
      covered.push([source, (Math.min(end, source + 1) - Math.max(start, source)) / step])
    return covered
  })
}
