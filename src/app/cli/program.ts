import { Command } from 'commander'
import { ArgumentError, type LimelightError } from '../../engine/errors.ts'
import { segmenterNames } from '../../lime/index.ts'
import { packageVersion } from '../data/package-files.ts'
import { addBatchCommand } from './batch.ts'
import { addConvertCommand } from './convert.ts'
import { addDataCommand } from './data.ts'
import { addEvaluateCommand } from './evaluate.ts'
import { addExplainCommand } from './explain.ts'
import { addInspectCommand } from './inspect.ts'
import { addModelsCommand } from './models.ts'
import { addPlanCommand } from './plan.ts'
import { addPredictCommand } from './predict.ts'
import { addProfileCommand } from './profile.ts'
import { addTrainCommand } from './train.ts'
import { addTuneCommand } from './tune.ts'
import { addTutorialCommand } from './tutorial.ts'
import { visible } from './visible-text.ts'

/** The `limelight` command and all that it takes. It throws where it would exit. */
export function limelight(): Command {
  const program = new Command('limelight')
    .description('Train, evaluate and explain image classifiers.')
    .version(packageVersion())
    .showHelpAfterError('(--help lists the options)')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(visible(text)) })
  addDataCommand(program)
  addTrainCommand(program)
  addEvaluateCommand(program)
  addExplainCommand(program)
  addBatchCommand(program)
  addPredictCommand(program)
  addInspectCommand(program)
  addConvertCommand(program)
  addModelsCommand(program)
  addTutorialCommand(program)
  addTuneCommand(program)
  addPlanCommand(program)
  addProfileCommand(program)
  for (const command of commandsOf(program)) command.exitOverride().showHelpAfterError('(--help lists the options)')
  return program
}

/** All commands of a program, those of commands among them. */
export function commandsOf(program: Command): Command[] {
  return program.commands.flatMap((command) => [command, ...commandsOf(command)])
}

/** Options that the library has by another name. */
const renamed: Readonly<Record<string, string>> = {
  batch: 'batchSize',
  numSamples: 'samples',
  segmentationFn: 'segmenter',
  runs: 'stability',
}

/** What an error says, of the options that people gave rather than of the arguments and functions these came to. */
export function inWordsOf(program: Command, error: LimelightError): string {
  const refused = error instanceof ArgumentError ? error.refused : undefined
  if (!refused) return error.message
  const { caller, argument, why } = refused
  if (segmenterNames.includes(caller)) {
    const parameter = argument.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    return `--segmenter-param ${parameter} ${why}`
  }
  const name = renamed[argument] ?? argument
  const option = commandsOf(program)
    .flatMap(({ options }) => options)
    .find((one) => one.attributeName() === name)
  return option ? `${option.long} ${why}` : error.message
}
