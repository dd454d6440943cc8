import { Command } from 'commander'
import { packageVersion } from '../data/package-files.ts'
import { addDataCommand } from './data.ts'
import { addEvaluateCommand } from './evaluate.ts'
import { addExplainCommand } from './explain.ts'
import { addTrainCommand } from './train.ts'
import { addTuneCommand } from './tune.ts'
import { addTutorialCommand } from './tutorial.ts'

/** The `limelight` command and all that it takes. It throws where it would exit. */
export function limelight(): Command {
  const program = new Command('limelight')
    .description('Train, evaluate and explain image classifiers.')
    .version(packageVersion())
    .showHelpAfterError('(--help lists the options)')
    .exitOverride()
  addDataCommand(program)
  addTrainCommand(program)
  addEvaluateCommand(program)
  addExplainCommand(program)
  addTutorialCommand(program)
  addTuneCommand(program)
  for (const command of program.commands) command.exitOverride().showHelpAfterError('(--help lists the options)')
  return program
}
