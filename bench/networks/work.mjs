/**
 * A network from a file as contenders get it: the file's bytes, and numbers of no meaning for it to take. Runs in Node and in a browser.
 *
 * @typedef {object} NetworkWork
 * @property {'onnx'|'tfjs'} format
 * @property {Map<string, Uint8Array>} files by their names, the model itself first
 * @property {boolean} [isExplained] the second file is a picture to explain, bytes [height, width, channels]
 * @property {number[]} shape of one input, in the order of the file
 * @property {Float32Array} images [mostImages, ...shape]
 * @property {number} imageSize numbers of one input
 */

import { noise } from '../noise.mjs'

/** The largest batch. */
const mostImages = 16

/** @returns {Promise<NetworkWork>} of `network` (known.mjs), whose files are in the folder or at the address `networks` */
export async function loadNetwork({ network, networks: folder }, readBytes) {
  const { format, shape, amplitude = 1, isExplained, files: names } = network
  const files = await Promise.all(names.map(async (name) => [name, await readBytes(`${folder}/${name}`)]))
  const imageSize = shape.reduce((product, extent) => product * extent)
  const images = noise(mostImages * imageSize, [-amplitude, amplitude])
  return { format, shape, isExplained, files: new Map(files), images, imageSize }
}

/** The model's own bytes. */
export const modelBytes = ({ files }) => files.values().next().value
