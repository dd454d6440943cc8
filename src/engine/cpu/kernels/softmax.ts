import { softmaxExtents } from '../../ops/softmax.ts'
import type { FunctionBody, ModuleBuilder } from '../../wasm/emitter.ts'
import { type F64, f32, f64, type I32, i32, type Local } from '../../wasm/instructions.ts'
import type { CpuKernel } from '../kernel.ts'
import { exp, log } from './mathematics.ts'

/** Softmax, its logarithm and its cross-entropy, one unit a row of classes; exponentials are added up in float64. */

interface RowStatistics {
  readonly largest: Local<'f32'>
  /** Σ exp(x - largest). */
  readonly total: Local<'f64'>
}

function exponential(module: ModuleBuilder, address: number, at: Local<'i32'>, largest: Local<'f32'>) {
  return exp(module, f64.fromF32(f32.sub(f32.load(at, address), largest)))
}

function rowStatistics(
  body: FunctionBody,
  module: ModuleBuilder,
  address: number,
  row: Local<'i32'>,
  classes: number,
  /** Bytes from one class to the next. */
  stride = 4,
): RowStatistics {
  const largest = body.local('f32', f32.load(row, address))
  const at = body.local('i32', row)
  body.for(0, classes, 1, () => {
    body.set(largest, f32.max(largest, f32.load(at, address)))
    body.advance(at, stride)
  })
  const total = body.local('f64', f64.const(0))
  body.set(at, row)
  body.for(0, classes, 1, () => {
    body.set(total, f64.add(total, exponential(module, address, at, largest)))
    body.advance(at, stride)
  })
  return { largest, total }
}

/** @param numberOf one number of the result, from the place of x and the row's statistics */
function alongAxis(
  numberOf: (module: ModuleBuilder, address: number, at: Local<'i32'>, row: RowStatistics) => F64,
): CpuKernel {
  return (step, emitter) => {
    const { x } = step.inputs
    const [y] = step.outputs
    const [outer, classes, inner] = softmaxExtents(x.shape, step.attributes)
    const { module } = emitter
    emitter.phase(outer * inner, 0, (body, unit) => {
      const at = body.local('i32', i32.mul(firstOfRow(unit, classes, inner), i32.const(4)))
      const row = rowStatistics(body, module, x.address, at, classes, inner * 4)
      body.for(0, classes, 1, () => {
        body.store(at, f32.fromF64(numberOf(module, x.address, at, row)), y.address)
        body.advance(at, inner * 4)
      })
    })
  }
}

/** Where row `unit` of x [outer, classes, inner] begins. */
function firstOfRow(unit: I32, classes: number, inner: number): I32 {
  if (inner === 1) return i32.mul(unit, i32.const(classes))
  const outer = i32.divU(unit, i32.const(inner))
  return i32.add(i32.mul(outer, i32.const(classes * inner)), i32.remU(unit, i32.const(inner)))
}

export const softmax = alongAxis((module, address, at, { largest, total }) =>
  f64.div(exponential(module, address, at, largest), total),
)

export const logSoftmax = alongAxis((module, address, at, { largest, total }) =>
  f64.sub(f64.fromF32(f32.sub(f32.load(at, address), largest)), log(module, total)),
)

/** loss = log Σ exp(x - largest) + largest - x[label], and dlogits = (softmax - onehot) · dloss; either or both. */
function crossEntropy(
  lossAddress: (outputs: readonly number[]) => number | null,
  gradientAddress: (outputs: readonly number[]) => number | null,
): CpuKernel {
  return (step, emitter) => {
    const { logits, labels, dloss } = step.inputs
    const addresses = step.outputs.map(({ address }) => address)
    const loss = lossAddress(addresses)
    const gradient = gradientAddress(addresses)
    const classes = logits.shape[1]
    const { module } = emitter
    emitter.phase(labels.shape[0], 0, (body, unit) => {
      const sample = body.local('i32', i32.shl(unit, i32.const(2)))
      const row = body.local('i32', i32.mul(unit, i32.const(classes * 4)))
      const { largest, total } = rowStatistics(body, module, logits.address, row, classes)
      const labelled = body.local('i32', i32.add(row, i32.shl(i32.load(sample, labels.address), i32.const(2))))
      if (loss !== null) {
        const below = f64.sub(f64.fromF32(largest), f64.fromF32(f32.load(labelled, logits.address)))
        body.store(sample, f32.fromF64(f64.add(log(module, total), below)), loss)
      }
      if (gradient === null) return
      const scale = body.local('f64', f64.fromF32(f32.load(sample, dloss.address)))
      const at = body.local('i32', row)
      const p = body.local('f64')
      body.for(0, classes, 1, () => {
        body.set(p, f64.div(exponential(module, logits.address, at, largest), total))
        body.if(i32.eq(at, labelled), () => body.set(p, f64.sub(p, f64.const(1))))
        body.store(at, f32.fromF64(f64.mul(p, scale)), gradient)
        body.advance(at, 4)
      })
    })
  }
}

export const softmaxCrossEntropy = crossEntropy(
  ([loss]) => loss,
  () => null,
)
export const softmaxCrossEntropyGradient = crossEntropy(
  () => null,
  ([gradient]) => gradient,
)
export const softmaxCrossEntropyWithGradient = crossEntropy(
  ([loss]) => loss,
  ([, gradient]) => gradient,
)
