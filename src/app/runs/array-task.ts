import { ArgumentError } from '../../engine/errors.ts'

/** Which shards are a task's, where a run is computed by an array of tasks that know nothing of one another. */
export interface ArrayTask {
  /** From 0. */
  readonly index: number
  /** How many tasks there are; null for as many as the run has shards. */
  readonly count: number | null
}

/** The task's shards: index, index + count, index + 2 count and so on. @throws ArgumentError for a task that there is not */
export function shardsOfTask({ index, count }: ArrayTask, shardCount: number): number[] {
  const tasks = count ?? shardCount
  if (count === null && index >= shardCount)
    throw new ArgumentError(
      `this is task ${index}, from 0, and the run has ${shardCount} shards: start as many tasks, or say how many there are`,
    )
  const shards: number[] = []
  for (let shard = index; shard < shardCount; shard += tasks) shards.push(shard)
  return shards
}

/**
 * The task that the environment says this is: of a Kubernetes Indexed Job (JOB_COMPLETION_INDEX, from 0; Kubernetes does not say how many
 * there are, so JOB_COMPLETIONS may) or of a Slurm array (SLURM_ARRAY_TASK_ID with _MIN, _MAX, _STEP and _COUNT). null where it says nothing.
 * @throws ArgumentError for what is no number, and a Slurm array whose numbers have gaps of several sizes
 */
export function taskFromEnvironment(environment: NodeJS.ProcessEnv): ArrayTask | null {
  const numberIn = (name: string) => {
    const value = environment[name]
    if (value === undefined || value === '') return undefined
    if (/^\d+$/.test(value)) return Number(value)
    throw new ArgumentError(`${name} is ${JSON.stringify(value)}; expected a whole number of at least 0`)
  }
  const ofJob = numberIn('JOB_COMPLETION_INDEX')
  if (ofJob !== undefined) return checked(ofJob, numberIn('JOB_COMPLETIONS') ?? null)
  const ofArray = numberIn('SLURM_ARRAY_TASK_ID')
  if (ofArray === undefined) return null
  const count = numberIn('SLURM_ARRAY_TASK_COUNT')
  const first = numberIn('SLURM_ARRAY_TASK_MIN') ?? 0
  if (count === undefined) return checked(ofArray - first, null)
  const last = numberIn('SLURM_ARRAY_TASK_MAX') ?? first + count - 1
  const step = count > 1 ? (last - first) / (count - 1) : 1
  const index = (ofArray - first) / step
  if (!Number.isInteger(step) || !Number.isInteger(index))
    throw new ArgumentError(
      `SLURM_ARRAY_TASK_ID is ${ofArray} of ${count} tasks from ${first} to ${last}, which are not evenly spaced: give --shard`,
    )
  return checked(index, count)
}

function checked(index: number, count: number | null): ArrayTask {
  if (index >= 0 && (count === null || index < count)) return { index, count }
  throw new ArgumentError(`this is task ${index}, from 0, of ${count}: there is no such task`)
}
