import { describe, expect, it } from 'vitest'
import { FormatError } from '../../../../src/engine/errors.ts'
import { openHdf5 } from '../../../../src/engine/formats/hdf5/hdf5-file.ts'
import { kerasFile } from '../keras/keras-files.ts'

const wanted: Readonly<Record<string, { shape: number[]; numbers: number[] }>> = {
  half: { shape: [5], numbers: [0, 0.25, 0.5, 0.75, 1] },
  double: { shape: [5], numbers: [0, 0.25, 0.5, 0.75, 1] },
  integers: { shape: [3], numbers: [-1, 2, 70000] },
  one: { shape: [], numbers: [2.5] },
  'many/layer_2/w': { shape: [2, 3], numbers: [2, 3, 4, 5, 6, 7] },
}
const inChunks = {
  chunked: { shape: [7, 5, 3], numbers: Array.from({ length: 105 }, (_, i) => i) },
  chunks: { shape: [4, 5], numbers: Array.from({ length: 20 }, (_, i) => i) },
}

describe('HDF5 files of all versions, as h5py writes them', () => {
  it.each([
    { name: 'earliest', version: 0, groups: 12, arrays: { ...wanted, ...inChunks } },
    { name: 'v108', version: 2, groups: 60, arrays: { ...wanted, ...inChunks } },
    { name: 'latest', version: 3, groups: 60, arrays: wanted },
  ])('$name: groups, texts and arrays', async ({ name, version, groups, arrays }) => {
    const bytes = await kerasFile(`${name}.h5`)
    expect(bytes[8]).toBe(version)
    const root = openHdf5(bytes)
    expect([...root.names].sort()).toEqual([...new Set(Object.keys(arrays).map((path) => path.split('/')[0]))].sort())
    expect(root.group('many')?.names.length).toBe(groups)
    expect(root.text('short')).toBe('a text')
    expect(root.text('fixed')).toBe('of bytes')
    expect(root.attributes.get('list')).toEqual(['ab', 'cde'])
    expect(root.attributes.get('texts')).toEqual(['one', 'twö'])
    expect(root.attributes.get('none')).toEqual([])
    expect(root.attributes.has('number')).toBe(false)
    for (let i = 0; i < 10; i++) expect(root.text(`more${i}`)).toBe(`m${i}`)
    for (const [path, { shape, numbers }] of Object.entries(arrays)) {
      const array = root.array(path)
      expect(array?.shape).toEqual(shape)
      expect(Array.from((await array?.numbers()) ?? [])).toEqual(numbers)
    }
    expect(root.group('nowhere')).toBe(null)
    expect(root.array('many/nowhere')).toBe(null)
  })

  it('is refused where it leads in circles, or speaks of what is not there', async () => {
    const bytes = (await kerasFile('earliest.h5')).slice()
    const view = new DataView(bytes.buffer)
    // An object's continuation that is itself: the root's first message becomes one that leads back to its own block.
    const root = Number(view.getBigUint64(64, true))
    view.setUint16(root + 16, 0x10, true)
    view.setBigUint64(root + 24, BigInt(root + 16), true)
    view.setBigUint64(root + 32, 4096n, true)
    expect(() => openHdf5(bytes)).toThrow(FormatError)
    expect(() => openHdf5(bytes)).toThrow(/circles/)
    expect(() => openHdf5(bytes.subarray(0, 500))).toThrow(/truncated or damaged/)
  })
})
