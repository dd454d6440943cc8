/**
 * Every error Limelight throws on purpose is a LimelightError: its message says what was given, what was expected and,
 * where it helps, what to do. The command prints the message alone; anything else is a bug and keeps its stack.
 */
export class LimelightError extends Error {
  override readonly name: string = 'LimelightError'
}

/** Tensors whose shapes or types do not fit an operation or a model. */
export class ShapeError extends LimelightError {
  override readonly name = 'ShapeError'
}

/** An argument outside its range, or a name that does not exist. */
export class ArgumentError extends LimelightError {
  override readonly name = 'ArgumentError'
  /** Set where one argument is to blame: the command, whose options have other names, says it in its own words. */
  readonly refused: RefusedArgument | undefined

  constructor(message: string, refused?: RefusedArgument) {
    super(message)
    this.refused = refused
  }
}

export interface RefusedArgument {
  /** The function that refused it. */
  readonly caller: string
  readonly argument: string
  /** Such as "must be a number >= 0, not -1". */
  readonly why: string
}

/** A file that is truncated, corrupt, or not of the format it should have. */
export class FormatError extends LimelightError {
  override readonly name = 'FormatError'
}

/** A model's file that is whole, and asks for what Limelight can't do. */
export class UnsupportedModelError extends LimelightError {
  override readonly name = 'UnsupportedModelError'
  /** All of them: none is found only after another was mended. */
  readonly operators: readonly UnsupportedOperator[]

  /** @param format of the file: 'ONNX' */
  constructor(format: string, operators: readonly UnsupportedOperator[]) {
    const shown = operators.slice(0, 50).map(({ node, operator, why }) => `  ${operator} "${node}": ${why}`)
    const more = operators.length > 50 ? [`  and ${operators.length - 50} more`] : []
    const count = operators.length === 1 ? 'one node' : `${operators.length} nodes`
    super([`this ${format} model can't be run: ${count} of it can't be:`, ...shown, ...more].join('\n'))
    this.operators = operators
  }
}

/** A node of a model's graph that can't be run. */
export interface UnsupportedOperator {
  readonly node: string
  readonly operator: string
  /** Such as "is not known". */
  readonly why: string
}

/** A device that can't be opened, or that refused a program. */
export class DeviceError extends LimelightError {
  override readonly name: string = 'DeviceError'
}

/** A device that went away while in use: its memory is gone, open another. */
export class DeviceLostError extends DeviceError {
  override readonly name = 'DeviceLostError'
}

/** A training whose loss, or whose weights, are no numbers any more. The model has the last good weights again. */
export class TrainingDivergedError extends LimelightError {
  override readonly name = 'TrainingDivergedError'
  /** Where it was noticed: the step, from 1, whose loss is no number, or after which the weights are not. */
  readonly epoch: number
  readonly step: number

  constructor(message: string, epoch: number, step: number) {
    super(message)
    this.epoch = epoch
    this.step = step
  }
}

/** A differentiable result was asked for through an operation that has no gradient. */
export class GradientError extends LimelightError {
  override readonly name = 'GradientError'
}
