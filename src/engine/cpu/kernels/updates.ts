import { sizeOf } from '../../tensor.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32, f32x4, i32, type Local, type V128 } from '../../wasm/instructions.ts'
import type { CpuKernel, CpuStep, KernelEmitter } from '../kernel.ts'

/** Updates over a flat buffer, four numbers at a time; units of up to 4,096. */

/**
 * Visits vectors by byte offset. The last one may reach past the end, into the padding that every operand has behind it
 * (blocks of residents and the arena are padded to 256 bytes), which nobody reads.
 */
function forEachVector(
  emitter: KernelEmitter,
  size: number,
  visit: (body: FunctionBody, at: Local<'i32'>) => void,
): void {
  const unitSize = 4096
  emitter.phase(Math.ceil(size / unitSize), 0, (body, unit) => {
    const first = body.local('i32', i32.mul(unit, i32.const(unitSize * 4)))
    const end = body.local('i32', i32.add(first, i32.const(unitSize * 4)))
    body.if(i32.ltS(i32.const(size * 4), end), () => body.set(end, i32.const(size * 4)))
    body.for(first, end, 16, (at) => visit(body, at))
  })
}

/** Adam's step, taken from what `kept` leaves of the parameter. */
function emitAdam(step: CpuStep, emitter: KernelEmitter, kept: (body: FunctionBody, parameter: V128) => V128): void {
  const { gradient, stepSize } = step.inputs
  const [p, m, v] = step.states
  const beta1 = Number(step.attributes.beta1)
  const beta2 = Number(step.attributes.beta2)
  const epsilon = f32x4.const(Number(step.attributes.epsilon))
  forEachVector(emitter, sizeOf(p.shape), (body, at) => {
    const g = body.local('v128', f32x4.load(at, gradient.address))
    const mean = body.local(
      'v128',
      f32x4.add(f32x4.mul(f32x4.const(beta1), f32x4.load(at, m.address)), f32x4.mul(f32x4.const(1 - beta1), g)),
    )
    const square = f32x4.mul(f32x4.const(1 - beta2), f32x4.mul(g, g))
    const variance = body.local('v128', f32x4.add(f32x4.mul(f32x4.const(beta2), f32x4.load(at, v.address)), square))
    const rate = f32x4.loadSplat(i32.const(0), stepSize.address)
    const change = f32x4.div(f32x4.mul(rate, mean), f32x4.add(f32x4.sqrt(variance), epsilon))
    body.store(at, f32x4.sub(kept(body, f32x4.load(at, p.address)), change), p.address)
    body.store(at, mean, m.address)
    body.store(at, variance, v.address)
  })
}

export const adam: CpuKernel = (step, emitter) => emitAdam(step, emitter, (_body, parameter) => parameter)

export const adamW: CpuKernel = (step, emitter) => {
  const { decay } = step.inputs
  emitAdam(step, emitter, (body, parameter) => {
    const whole = body.local('v128', parameter)
    return f32x4.sub(whole, f32x4.mul(f32x4.loadSplat(i32.const(0), decay.address), whole))
  })
}

export const sgd: CpuKernel = (step, emitter) => {
  const { gradient, stepSize } = step.inputs
  const [p, velocity] = step.states
  const momentum = f32x4.const(Number(step.attributes.momentum))
  forEachVector(emitter, sizeOf(p.shape), (body, at) => {
    const pull = f32x4.mul(f32x4.loadSplat(i32.const(0), stepSize.address), f32x4.load(at, gradient.address))
    const moved = body.local('v128', f32x4.sub(f32x4.mul(momentum, f32x4.load(at, velocity.address)), pull))
    body.store(at, f32x4.add(f32x4.load(at, p.address), moved), p.address)
    body.store(at, moved, velocity.address)
  })
}

export const nesterov: CpuKernel = (step, emitter) => {
  const { gradient, stepSize } = step.inputs
  const [p, velocity] = step.states
  const momentum = f32x4.const(Number(step.attributes.momentum))
  forEachVector(emitter, sizeOf(p.shape), (body, at) => {
    const rate = f32x4.loadSplat(i32.const(0), stepSize.address)
    const pull = body.local('v128', f32x4.mul(rate, f32x4.load(at, gradient.address)))
    const moved = body.local('v128', f32x4.sub(f32x4.mul(momentum, f32x4.load(at, velocity.address)), pull))
    const ahead = f32x4.sub(f32x4.mul(momentum, moved), pull)
    body.store(at, f32x4.add(f32x4.load(at, p.address), ahead), p.address)
    body.store(at, moved, velocity.address)
  })
}

export const assign: CpuKernel = (step, emitter) => {
  const { value } = step.inputs
  const [state] = step.states
  forEachVector(emitter, sizeOf(state.shape), (body, at) =>
    body.store(at, f32x4.load(at, value.address), state.address),
  )
}

/** One row of the ring. */
export const record: CpuKernel = (step, emitter) => {
  const { position, ...values } = step.inputs
  const [ring] = step.states
  const [rows, width] = ring.shape
  emitter.phase(1, 0, (body) => {
    const row = i32.remU(i32.load(i32.const(0), position.address), i32.const(rows))
    const to = body.local('i32', i32.mul(row, i32.const(width * 4)))
    Object.values(values).forEach((value, column) =>
      body.store(to, f32.load(i32.const(0), value.address), ring.address + column * 4),
    )
  })
}
