#!/usr/bin/env node
import { CommanderError } from 'commander'
import { ArgumentError, LimelightError } from '../../engine/errors.ts'
import { inWordsOf, limelight } from './program.ts'
import { InterruptedError, note, surviveClosedOutput } from './terminal.ts'

/** The `limelight` command. Exit codes: 0 done, 1 failed (one clear line), 2 wrong usage, 130 or 143 interrupted. */

const program = limelight()

/** The exit code for what a command threw; says on stderr what people need to know. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof InterruptedError) {
    note(`\n${error.message}`)
    return error.exitCode
  }
  if (error instanceof LimelightError) {
    note(`limelight: ${inWordsOf(program, error)}`)
    return error instanceof ArgumentError ? 2 : 1
  }
  if (error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd') {
    note('limelight: the current folder no longer exists: change to another and try again')
    return 1
  }
  note(`limelight: this is a bug, please report it: ${error instanceof Error ? error.stack : String(error)}`)
  return 1
}

surviveClosedOutput()
try {
  await program.parseAsync()
} catch (error) {
  // A result that could not be written has set its code already: `--help > /dev/full` fails, too.
  process.exitCode = report(error) || process.exitCode
}
