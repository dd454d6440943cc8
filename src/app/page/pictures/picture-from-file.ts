import { rgbToGray } from '../../../lime/index.ts'
import { decodePicture } from '../../pictures/decode-picture.ts'
import { floatImage, type Picture } from '../../pictures/picture.ts'
import { withoutTransparency } from '../../pictures/transparency.ts'
import { task } from '../../tasks/chosen-task.ts'

/**
 * Somebody's file, or what a camera saw, as a picture for the network: grey, fitted whole into the network's size. Loaded when
 * the first one comes, so that the page opens without readers of pictures.
 */

interface GreyImage {
  /** [height * width], 0 to 1. */
  readonly data: ArrayLike<number>
  readonly height: number
  readonly width: number
}

export interface FittedPicture {
  /** [height * width] as the network takes it, 0 (black) to 255. */
  readonly pixels: Uint8Array
  /** The network learned light clothes on black; this one is more likely dark on light. */
  readonly isDarkOnLight: boolean
}

const maxFileBytes = 64 * 2 ** 20
const pngSignature = [0x89, 0x50, 0x4e, 0x47]

/** More pixels than this are decoded small, so that even a hundred megapixels take no more memory than a few. */
const fewPixels = 2 ** 20
/** The longer side of what is decoded small: many times what is left of it in the end. */
const smallExtent = 1024
/** Beyond it browsers refuse, or run out of memory. */
const maxFilePixels = 100e6
/** What is taken of a browser that can't decode small: for each pixel there are some twenty bytes to come. */
const maxWholePixels = 4096 * 4096

/** @throws Error that says what is wrong with the file, by name */
export async function pictureFromFile(file: File): Promise<FittedPicture> {
  const name = file.name || 'The pasted picture'
  if (file.size > maxFileBytes)
    throw new Error(`${name} has ${Math.round(file.size / 2 ** 20)} MB; pictures may have ${maxFileBytes / 2 ** 20} MB`)
  const bytes = new Uint8Array(await file.slice(0, 24).arrayBuffer())
  if (bytes.length === 0) throw new Error(`${name} is empty`)
  const isPng = pngSignature.every((byte, i) => bytes[i] === byte)
  const { width, height } = isPng ? sizeOfPng(bytes) : await sizeInBrowser(file, name)
  if (width * height > maxFilePixels)
    throw new Error(
      `${name} is ${width} × ${height} pixels, ${Math.round((width * height) / 1e6)} megapixels; at most ${maxFilePixels / 1e6} are taken`,
    )
  const grey =
    width * height <= fewPixels
      ? await greyFromWhole(new Uint8Array(await file.arrayBuffer()), name)
      : await greyFromBrowser(file, name, { width, height })
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

interface Size {
  readonly width: number
  readonly height: number
}

/** As its header says: its first 24 bytes. What is wrong with it is found out when it is read. */
function sizeOfPng(bytes: Uint8Array): Size {
  if (bytes.length < 24) return { width: 0, height: 0 }
  const view = new DataView(bytes.buffer)
  return { width: view.getUint32(16), height: view.getUint32(20) }
}

/** Browsers tell the size of a picture before they unpack its pixels. */
async function sizeInBrowser(file: File, name: string): Promise<Size> {
  const address = URL.createObjectURL(file)
  try {
    const image = new Image()
    await new Promise((resolve, reject) => {
      image.onload = resolve
      image.onerror = reject
      image.src = address
    })
    return { width: image.naturalWidth, height: image.naturalHeight }
  } catch {
    throw new Error(unreadable(name))
  } finally {
    URL.revokeObjectURL(address)
  }
}

function unreadable(name: string): string {
  return `${name} is not a picture this browser can read; PNG, JPEG, WebP and GIF will do`
}

/** By the decoders that Node has, too: the same pixels there. */
async function greyFromWhole(bytes: Uint8Array, name: string): Promise<GreyImage> {
  try {
    return greyOf(await decodePicture(bytes, { ground: 'contrast' }))
  } catch (error) {
    throw new Error(`${name} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Whatever the browser can show, decoded small. */
async function greyFromBrowser(file: File, name: string, { width, height }: Size): Promise<GreyImage> {
  const scale = smallExtent / Math.max(width, height)
  const small = { resizeWidth: Math.ceil(width * scale), resizeHeight: Math.ceil(height * scale) }
  const bitmap = await createImageBitmap(file, { ...small, resizeQuality: 'high' }).catch(() => null)
  if (!bitmap) throw new Error(unreadable(name))
  try {
    return greyFromBitmap(bitmap, name)
  } finally {
    bitmap.close()
  }
}

function greyFromBitmap(bitmap: ImageBitmap, name: string): GreyImage {
  const { width, height } = bitmap
  if (width * height > maxWholePixels)
    throw new Error(
      `${name} is ${width} × ${height} pixels; this browser can't make it smaller while it reads it, and takes at most ${Math.floor(maxWholePixels / 1e6)} megapixels`,
    )
  const context = new OffscreenCanvas(width, height).getContext('2d')
  if (!context) throw new Error(`${name} can't be read: this browser draws no pictures off the screen`)
  context.drawImage(bitmap, 0, 0)
  const { data } = context.getImageData(0, 0, width, height)
  return greyOf(withoutTransparency({ data: new Uint8Array(data.buffer), height, width, samples: 4 }, 'contrast'))
}

function greyOf(picture: Picture): GreyImage {
  const { data, height, width, channels } = floatImage(picture)
  return { data: channels === 3 ? rgbToGray(data) : data, height, width }
}

/** The mean along the picture's edge. */
function edgeBrightness({ data, height, width }: GreyImage): number {
  let sum = 0
  for (let x = 0; x < width; x++) sum += data[x] + data[(height - 1) * width + x]
  for (let y = 0; y < height; y++) sum += data[y * width] + data[y * width + width - 1]
  return sum / (2 * (width + height))
}

/** Makes it as large as fits into the network's size, each pixel the mean of what it covers; the rest has the edge's brightness. */
function fit(image: GreyImage): FittedPicture {
  const { height, width } = image
  const edge = edgeBrightness(image)
  const [fullHeight, fullWidth] = task.inputShape
  const scale = Math.max(height / fullHeight, width / fullWidth)
  const [rows, columns] = [height, width].map((extent) => Math.max(1, Math.round(extent / scale)))
  const [top, left] = [fullHeight - rows, fullWidth - columns].map((rest) => Math.floor(rest / 2))
  const fromRows = overlaps(height, rows)
  const fromColumns = overlaps(width, columns)
  const pixels = new Uint8Array(fullHeight * fullWidth).fill(Math.round(edge * 255))
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      let sum = 0
      for (const [row, share] of fromRows[y])
        for (const [column, part] of fromColumns[x]) sum += share * part * image.data[row * width + column]
      pixels[(top + y) * fullWidth + left + x] = Math.min(255, Math.max(0, Math.round(sum * 255)))
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
