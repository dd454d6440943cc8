import { activationOf } from '../../plan/epilogues.ts'
import type { Attributes } from '../../tensor.ts'
import type { FunctionBody } from '../../wasm/emitter.ts'
import { f32x4, type I32, type Local, type V128 } from '../../wasm/instructions.ts'
import type { KernelEmitter } from '../kernel.ts'
import { unaryOfFour } from './elementwise.ts'

/** What convolutions and matrix products do with their sums before they store them: what fuse-epilogues.ts put after them, in this order. */
export interface Epilogue {
  /** Address of one number a column, which the sum is multiplied by. */
  readonly gain?: number
  /** Address of one number a column, added next. */
  readonly bias?: number
  /** Address of an array like the output, added then. */
  readonly residual?: number
  /** Negative sums become 0. */
  readonly relu: boolean
  /** A row of the elementwise table is applied then. */
  readonly activate?: (sum: Local<'v128'>) => V128
  /** Address of an array like the output: sums are kept only where it is positive. */
  readonly mask?: number
}

/** What a step does before it stores its sums. */
export function epilogueOf(
  {
    inputs,
    attributes,
  }: { readonly inputs: Readonly<Record<string, { readonly address: number }>>; readonly attributes: Attributes },
  { module }: KernelEmitter,
): Epilogue {
  const addressOf = (name: 'gain' | 'bias' | 'residual' | 'mask') =>
    name in attributes ? inputs[name].address : undefined
  const activation = activationOf(attributes)
  return {
    gain: addressOf('gain'),
    bias: addressOf('bias'),
    residual: addressOf('residual'),
    relu: 'relu' in attributes,
    activate: activation ? (sum) => unaryOfFour(activation.name, sum, module, activation.parameters) : undefined,
    mask: addressOf('mask'),
  }
}

/** Applies the epilogue to one row of a block. `column`: bytes from the first bias to the block's; `output`: from the output's start to the row's block. */
export function finish(
  body: FunctionBody,
  row: readonly Local<'v128'>[],
  epilogue: Epilogue,
  column: I32,
  output: I32,
): void {
  row.forEach((sum, v) => {
    // May be read up to three numbers past their ends: blocks of memory have that much slack.
    const [gain, bias] = [epilogue.gain, epilogue.bias].map((address = 0) => f32x4.load(column, address + v * 16))
    finishVector(body, sum, epilogue, { gain, bias }, output, v * 16)
  })
}

/** The numbers of a vector's four columns; each is read only if the epilogue has it. */
export interface ColumnNumbers {
  readonly gain: V128
  readonly bias: V128
}

/** Applies the epilogue to one vector, at output + offset. */
export function finishVector(
  body: FunctionBody,
  sum: Local<'v128'>,
  epilogue: Epilogue,
  { gain, bias }: ColumnNumbers,
  output: I32,
  offset = 0,
): void {
  if (epilogue.gain !== undefined) body.set(sum, f32x4.mul(sum, gain))
  if (epilogue.bias !== undefined) body.set(sum, f32x4.add(sum, bias))
  // The same slack here and below.
  if (epilogue.residual !== undefined) body.set(sum, f32x4.add(sum, f32x4.load(output, epilogue.residual + offset)))
  if (epilogue.relu) body.set(sum, f32x4.relu(sum))
  if (epilogue.activate) body.set(sum, epilogue.activate(sum))
  if (epilogue.mask !== undefined)
    body.set(sum, f32x4.and(sum, f32x4.gt(f32x4.load(output, epilogue.mask + offset), f32x4.const(0))))
}
