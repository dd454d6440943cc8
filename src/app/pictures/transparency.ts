import { type Picture, whiteOf } from './picture.ts'

/**
 * What shows where a picture is transparent: white, as paper has it; or, with 'contrast', black behind what is light on the whole and
 * white behind what is dark, so that a white shirt cut out of its picture is seen as well as a black one.
 */
export type Ground = 'white' | 'contrast'

/** What a decoder makes of a file. */
export interface Raster {
  /** [height, width, samples], row-major, 0 to 255, of 16 bits 0 to 65535. */
  readonly data: Uint8Array | Uint16Array
  readonly height: number
  readonly width: number
  /** 1: grey; 2: grey, opacity; 3: red, green, blue; 4: red, green, blue, opacity. */
  readonly samples: 1 | 2 | 3 | 4
}

/** Of red, green and blue: how bright a colour looks (ITU-R BT.709, as rgbToGray has it). */
const brightnessOf = [0.2125, 0.7154, 0.0721]

/** Lays a picture on its ground: sample x opacity + ground x (1 - opacity), to the nearest level. Takes the raster's memory over. */
export function withoutTransparency({ data, height, width, samples }: Raster, ground: Ground): Picture {
  if (samples === 1 || samples === 3) return { data, height, width, channels: samples }
  const channels = samples === 2 ? 1 : 3
  const size = height * width * channels
  const white = whiteOf({ data, height, width, channels })
  const under = ground === 'white' || isDark(data, channels, white) ? white : 0
  // A pixel is read before its place is written: each is written further to the front.
  for (let from = 0, to = 0; to < size; from++)
    for (let opacity = data[from + channels], c = 0; c < channels; c++, from++, to++)
      data[to] = Math.round((data[from] * opacity + under * (white - opacity)) / white)
  return { data: data.subarray(0, size), height, width, channels }
}

function isDark(data: Uint8Array | Uint16Array, channels: 1 | 3, white: number): boolean {
  let [light, seen] = [0, 0]
  for (let from = 0; from < data.length; from += channels + 1) {
    const opacity = data[from + channels] / white
    seen += opacity
    for (let c = 0; c < channels; c++)
      light += (opacity * (channels === 1 ? 1 : brightnessOf[c]) * data[from + c]) / white
  }
  return light <= seen / 2
}
