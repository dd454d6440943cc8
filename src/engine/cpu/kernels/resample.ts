import { f32, f32x4, i32 } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'

/** One unit a row of a result: pixels of x, times their two weights, are added to it, four channels at a time. */
export const resample: CpuKernel = (step, emitter) => {
  const { x, rows, rowWeights, columns, columnWeights } = step.inputs
  const [y] = step.outputs
  const [, height, width, channels] = x.shape
  const [count, outHeight, outWidth] = y.shape
  const [down, across] = [rows.shape[1], columns.shape[1]]
  emitter.phase(count * outHeight, 0, (body, unit) => {
    const rowStart = body.local('i32', i32.mul(unit, i32.const(outWidth * channels * 4)))
    body.fill(i32.add(rowStart, i32.const(y.address)), 0, outWidth * channels * 4)
    const image = body.local('i32', i32.mul(i32.divU(unit, i32.const(outHeight)), i32.const(height)))
    const [to, from, pixelStart] = [body.local('i32'), body.local('i32'), body.local('i32')]
    const [row, column] = [body.local('i32'), body.local('i32')]
    const weight = body.local('v128')
    // Bytes into the tables.
    const rowTap = body.local('i32', i32.mul(i32.remU(unit, i32.const(outHeight)), i32.const(down * 4)))
    const columnTap = body.local('i32')
    const addPixel = () => {
      body.set(to, pixelStart)
      body.set(from, i32.mul(i32.add(i32.mul(i32.add(image, row), i32.const(width)), column), i32.const(channels * 4)))
      const rowWeight = f32x4.loadSplat(rowTap, rowWeights.address)
      body.set(weight, f32x4.mul(rowWeight, f32x4.loadSplat(columnTap, columnWeights.address)))
      body.for(0, Math.floor(channels / 4), 1, () => {
        const sum = body.multiplyAdd(f32x4.load(to, y.address), weight, f32x4.load(from, x.address))
        body.store(to, sum, y.address)
        body.advance(from, 16)
        body.advance(to, 16)
      })
      body.for(0, channels % 4, 1, () => {
        const product = f32.mul(f32x4.extractLane(weight, 0), f32.load(from, x.address))
        body.store(to, f32.add(f32.load(to, y.address), product), y.address)
        body.advance(from, 4)
        body.advance(to, 4)
      })
    }
    body.for(0, down, 1, () => {
      body.set(row, i32.load(rowTap, rows.address))
      body.if(i32.geS(row, i32.const(0)), () => {
        body.set(pixelStart, rowStart)
        body.set(columnTap, i32.const(0))
        body.for(0, outWidth, 1, () => {
          body.for(0, across, 1, () => {
            body.set(column, i32.load(columnTap, columns.address))
            body.if(i32.geS(column, i32.const(0)), addPixel)
            body.advance(columnTap, 4)
          })
          body.advance(pixelStart, channels * 4)
        })
      })
      body.advance(rowTap, 4)
    })
  })
}
