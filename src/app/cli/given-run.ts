import { ArgumentError } from '../../engine/errors.ts'
import { isBucketAddress } from '../runs/bucket-address.ts'
import { type Planning, planRun } from '../runs/plan-run.ts'
import { readRunFile } from '../runs/run-file.ts'

/** How `limelight batch` is told of a run: by its file, which ends in .json, or by the output where it is planned already. */

function isRunFile(given: string): boolean {
  return !isBucketAddress(given) && given.endsWith('.json')
}

/** @throws ArgumentError for what is no run's file */
export async function planned(given: string): Promise<Planning> {
  if (!isRunFile(given)) throw new ArgumentError(`${given}: a run is planned from a file that ends in .json`)
  return planRun(await readRunFile(given))
}

/** The output of a run that is planned, or is planned now. */
export async function outputOf(given: string): Promise<string> {
  return isRunFile(given) ? (await planned(given)).run.output : given
}
