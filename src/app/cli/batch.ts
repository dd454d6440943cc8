import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { type ArrayTask, shardsOfTask, taskFromEnvironment } from '../runs/array-task.ts'
import { computeShards } from '../runs/compute-shards.ts'
import { openRun } from '../runs/open-run.ts'
import type { OpenedRun, ShardOutcome } from '../runs/opened-run.ts'
import { addQueueCommands } from './batch-queue.ts'
import { summariseResults } from './batch-summary.ts'
import { outputOf, planned } from './given-run.ts'
import { integer, text } from './options.ts'
import { interruptSignal, note, progressBar, result } from './terminal.ts'
import { inOneLine } from './visible-text.ts'

/** `limelight batch`: runs of very many images, computed shard by shard by whoever is there. docs/scale.md */

interface JsonOption {
  readonly json?: boolean
}

async function plan(given: string, { json }: JsonOption): Promise<void> {
  const { run, hash, shardCount, planned: when } = await planned(given)
  const { output } = run
  if (json)
    return result(JSON.stringify({ run: hash, output, images: run.images.count, shards: shardCount, planned: when }))
  result(
    `run ${hash} ${when === 'now' ? 'is planned' : 'was planned already'} in ${output}: ${run.images.count} images in ${shardCount} shards`,
  )
}

interface RunOptions extends JsonOption {
  readonly shard?: ArrayTask
  readonly threads?: number
  readonly cache?: number
}

/** 3/100: the third of a hundred tasks. */
function taskOption(given: string): ArrayTask {
  const found = /^(\d+)\/(\d+)$/.exec(given)
  const [task, count] = found ? [Number(found[1]), Number(found[2])] : [0, 0]
  if (task < 1 || task > count) throw new InvalidArgumentError('expected task/tasks, from 1, as in 3/100')
  return { index: task - 1, count }
}

async function run(given: string, options: RunOptions): Promise<void> {
  const { threads, cache } = options
  const signal = interruptSignal('what is published stays; the same command goes on from there')
  const task = options.shard ?? taskFromEnvironment(process.env)
  const output = await outputOf(given)
  const opened = await openRun(output, {
    threads,
    cacheBytes: cache && cache * 2 ** 20,
    onNote: (text) => note(inOneLine(text)),
  })
  try {
    const shards = shardsOfTask(task ?? { index: 0, count: 1 }, opened.shardCount)
    const outcomes = await computed(opened, shards, signal)
    const images = sum(outcomes, ({ images }) => images)
    const errors = sum(outcomes, ({ errors }) => errors)
    const now = outcomes.filter(({ published }) => published === 'now').length
    if (options.json) return result(JSON.stringify({ run: opened.hash, output, shards: outcomes }))
    result(
      `${outcomes.length} of ${opened.shardCount} shards, ${now} of them now: ${images} images, ${errors} of which could not be explained`,
    )
  } finally {
    await opened.close()
  }
}

async function computed(opened: OpenedRun, shards: readonly number[], signal: AbortSignal): Promise<ShardOutcome[]> {
  const bar = progressBar('Explaining')
  try {
    return await computeShards(opened, shards, { signal, onProgress: bar.update, onNote: note })
  } finally {
    bar.stop()
  }
}

function sum<T>(items: readonly T[], numberOf: (item: T) => number): number {
  return items.reduce((total, item) => total + numberOf(item), 0)
}

async function finish(given: string, { json }: JsonOption): Promise<void> {
  const opened = await openRun(await outputOf(given))
  try {
    const success = await opened.finish()
    const { shards, images, rows, errors } = success
    result(
      json
        ? JSON.stringify(success)
        : `run ${success.run} is finished: ${shards} shards, ${images} images, ${rows} rows; ${errors} images could not be explained`,
    )
  } finally {
    await opened.close()
  }
}

export function addBatchCommand(program: Command): void {
  const batch = program.command('batch').description('explain very many images on many machines; docs/scale.md')
  batch
    .command('plan')
    .description("find a run's images, and publish what whoever computes it needs in its output")
    .argument('<run.json>', 'the run')
    .option('--json', 'print what was planned as JSON')
    .action(plan)
  batch
    .command('run')
    .description('compute shards of a run and publish them: all, or those of one task of an array')
    .argument('<run>', 'a run.json, which is planned if need be, or the output of a planned run', text('a run'))
    .option(
      '--shard <task/tasks>',
      'the shards of the so manieth of so many tasks, from 1; JOB_COMPLETION_INDEX and SLURM_ARRAY_TASK_ID say it, too',
      taskOption,
    )
    .option('--threads <n>', 'threads of the cpu device; all the processor has unless given', integer(1))
    .option('--cache <MiB>', 'what files from buckets may take on this machine (8192)', integer(0))
    .option('--json', 'print what became of the shards as JSON')
    .action(run)
  batch
    .command('finish')
    .description('publish _SUCCESS, with what all shards come to, when all are published')
    .argument('<run>', 'as for run', text('a run'))
    .option('--json', 'print what all shards come to as JSON')
    .action(finish)
  batch
    .command('summary')
    .description('what the results come to, by class')
    .argument('<results>', "a run's output, or one of its files", text('an output'))
    .option('--json', 'print it as JSON')
    .action(summariseResults)
  addQueueCommands(batch)
}
