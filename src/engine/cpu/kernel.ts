import type { StepTypes } from '../plan/arrange-weights.ts'
import type { TensorType } from '../tensor.ts'
import type { FunctionBody, ModuleBuilder } from '../wasm/emitter.ts'
import { type I32, i32, type Local, standIn } from '../wasm/instructions.ts'
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
  /** Of steps that differ in their operands' addresses alone: what they have in common, by what it is. */
  private readonly alike = new Map<string, readonly SharedPhase[]>()
  /** The phases of what is being emitted for several steps, and how many operands those have. */
  private sharing: { readonly phases: SharedPhase[]; readonly operands: number } | null = null

  constructor(
    readonly module: ModuleBuilder,
    /** Reserves workspace and gives its address. */
    readonly workspace: (bytes: number) => number,
    /** The same of what other steps, and other programs, write over: a step has one of these. */
    readonly commonWorkspace: (bytes: number) => number = workspace,
    readonly convolution: ConvolutionChoice = 'auto',
    /** How many threads share a phase's units. */
    readonly threads = 1,
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

  /**
   * The same for one of several steps that differ in their addresses alone: their code is emitted, compiled and optimised once, as procedures
   * that are given the addresses. They have a workspace in common.
   * @param signature what is the same of them, and of no others
   */
  stepOfSeveral(signature: string, kernel: CpuKernel, step: CpuStep, work: number): void {
    this.stepWork = work
    const addresses = operandsOf(step).map(({ address }) => i32.const(address))
    for (const { units, procedure } of this.alike.get(signature) ?? this.emitAlike(signature, kernel, step))
      this.addPhase(units, (body, ...range) => body.call(procedure, [...range, ...addresses]))
  }

  private emitAlike(signature: string, kernel: CpuKernel, step: CpuStep): readonly SharedPhase[] {
    const phases: SharedPhase[] = []
    this.sharing = { phases, operands: operandsOf(step).length }
    kernel(withStandIns(step), this)
    this.sharing = null
    this.alike.set(signature, phases)
    return phases
  }

  /** Adds a phase; `emit` writes the code of one unit. */
  phase(
    units: number,
    scratchBytes: number,
    emit: (body: FunctionBody, unit: Local<'i32'>, scratch: I32) => void,
  ): void {
    this.scratchBytes = Math.max(this.scratchBytes, scratchBytes)
    const emitUnits = (body: FunctionBody, first: Local<'i32'>, last: Local<'i32'>, scratch: Local<'i32'>) =>
      body.for(first, last, 1, (unit) => emit(body, unit, scratch))
    if (this.sharing === null) {
      this.addPhase(units, emitUnits)
      return
    }
    const parameters = new Array<'i32'>(rangeParameters + this.sharing.operands).fill('i32')
    this.sharing.phases.push({ units, procedure: this.module.procedure(parameters, emitUnits) })
  }

  private addPhase(
    units: number,
    emit: (body: FunctionBody, first: Local<'i32'>, last: Local<'i32'>, scratch: Local<'i32'>) => void,
  ): void {
    const name = `phase${this.phases.length}`
    this.phases.push({ name, units, work: this.stepWork })
    this.module.function(name, ['i32', 'i32', 'i32'] as const, emit)
  }
}

/** A phase of several steps: its procedure takes first, last and scratch, then their operands' addresses. */
interface SharedPhase {
  readonly units: number
  readonly procedure: number
}

const rangeParameters = 3

function operandsOf({ inputs, outputs, states }: CpuStep): readonly CpuOperand[] {
  return [...Object.values(inputs), ...outputs, ...states]
}

/** The step with parameters of a procedure in place of its addresses, in the order of operandsOf(). */
function withStandIns(step: CpuStep): CpuStep {
  let next = rangeParameters
  const stand = (operand: CpuOperand): CpuOperand => ({ ...operand, address: standIn(next++) })
  return {
    ...step,
    inputs: Object.fromEntries(Object.entries(step.inputs).map(([name, operand]) => [name, stand(operand)])),
    outputs: step.outputs.map(stand),
    states: step.states.map(stand),
  }
}

export type CpuKernel = (step: CpuStep, emitter: KernelEmitter) => void
