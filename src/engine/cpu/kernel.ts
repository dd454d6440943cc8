import type { StepTypes } from '../plan/arrange-weights.ts'
import type { TensorType } from '../tensor.ts'
import type { FunctionBody, ModuleBuilder } from '../wasm/emitter.ts'
import type { I32, Local } from '../wasm/instructions.ts'
import type { ConvolutionChoice } from './device-options.ts'
import { type Block, defaultBlock, type ProductShape } from './kernels/small-product.ts'

/**
 * How a plan step becomes WebAssembly. Terms:
 * - phase: one exported function (first, last, scratch) that does units first..last-1 of its work. Units of a phase are
 *   independent of each other, so they may be done in any order and by several threads; phases follow one another.
 * - workspace: memory that phases of one step share (packed weights). Steps, which follow one another, may have one in common. Scratch:
 *   memory for one caller at a time (a padded image), whose address is an argument.
 * Addresses and extents are known when a kernel is emitted and are built in as constants.
 */
export interface CpuOperand extends TensorType {
  readonly address: number
}

export interface CpuStep extends StepTypes {
  readonly inputs: Readonly<Record<string, CpuOperand>>
  readonly outputs: readonly CpuOperand[]
  readonly states: readonly CpuOperand[]
}

export interface Phase {
  readonly name: string
  readonly units: number
  /** Roughly how many operations its step takes: additions, multiplications, numbers written. */
  readonly work: number
}

export class KernelEmitter {
  readonly phases: Phase[] = []
  /** Bytes of scratch the phases so far need. */
  scratchBytes = 0
  /** The small products the steps so far are made of, and how each holds its sums. */
  readonly products: { readonly shape: ProductShape; readonly block: Block }[] = []
  private stepWork = 0

  constructor(
    readonly module: ModuleBuilder,
    /** Reserves workspace and gives its address. */
    readonly workspace: (bytes: number) => number,
    /** The same of what other steps, and other programs, write over: a step has one of these. */
    readonly commonWorkspace: (bytes: number) => number = workspace,
    readonly convolution: ConvolutionChoice = 'auto',
    private readonly choose: (product: ProductShape) => Block = ({ columns }) => defaultBlock(columns),
  ) {}

  /** How a small product is to hold its sums. */
  blockFor(product: ProductShape): Block {
    const block = this.choose(product)
    this.products.push({ shape: product, block })
    return block
  }

  /** Emits one step, which takes about `work` operations. */
  step(kernel: CpuKernel, step: CpuStep, work: number): void {
    this.stepWork = work
    kernel(step, this)
  }

  /** Adds a phase; `emit` writes the code of one unit. */
  phase(
    units: number,
    scratchBytes: number,
    emit: (body: FunctionBody, unit: Local<'i32'>, scratch: I32) => void,
  ): void {
    this.scratchBytes = Math.max(this.scratchBytes, scratchBytes)
    const name = `phase${this.phases.length}`
    this.phases.push({ name, units, work: this.stepWork })
    this.module.function(name, ['i32', 'i32', 'i32'] as const, (body, first, last, scratch) => {
      body.for(first, last, 1, (unit) => emit(body, unit, scratch))
    })
  }
}

export type CpuKernel = (step: CpuStep, emitter: KernelEmitter) => void
