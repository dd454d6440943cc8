#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { ArgumentError, LimelightError } from '../../engine/errors.ts'
import { addDataCommand } from './data.ts'
import { addEvaluateCommand } from './evaluate.ts'
import { addExplainCommand } from './explain.ts'
import { InterruptedError } from './terminal.ts'
import { addTrainCommand } from './train.ts'
import { addTutorialCommand } from './tutorial.ts'

/** The `limelight` command. Exit codes: 0 done, 1 failed (one clear line), 2 wrong usage, 130 interrupted. */

const program = new Command('limelight')
  .description('Train, evaluate and explain image classifiers.')
  .showHelpAfterError('(--help lists the options)')
  .exitOverride()
addDataCommand(program)
addTrainCommand(program)
addEvaluateCommand(program)
addExplainCommand(program)
addTutorialCommand(program)
for (const command of program.commands) command.exitOverride().showHelpAfterError('(--help lists the options)')

/** The exit code for what a command threw; says on stderr what people need to know. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof InterruptedError) {
    process.stderr.write('\ninterrupted; what was saved before stays\n')
    return 130
  }
  if (error instanceof LimelightError) {
    process.stderr.write(`limelight: ${error.message}\n`)
    return error instanceof ArgumentError ? 2 : 1
  }
  process.stderr.write(
    `limelight: this is a bug, please report it: ${error instanceof Error ? error.stack : String(error)}\n`,
  )
  return 1
}

try {
  await program.parseAsync()
  process.exitCode = 0
} catch (error) {
  process.exitCode = report(error)
}
