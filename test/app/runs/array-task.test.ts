import { expect, test } from 'vitest'
import { shardsOfTask, taskFromEnvironment } from '../../../src/app/runs/array-task.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'

const slurm = (id: number, min: number, max: number, count: number) => ({
  SLURM_ARRAY_TASK_ID: String(id),
  SLURM_ARRAY_TASK_MIN: String(min),
  SLURM_ARRAY_TASK_MAX: String(max),
  SLURM_ARRAY_TASK_COUNT: String(count),
})

test('each shard is one task’s, whatever the array and the number of shards', () => {
  const arrays = [
    Array.from({ length: 4 }, (_, i) => slurm(i, 0, 3, 4)),
    Array.from({ length: 4 }, (_, i) => slurm(i + 1, 1, 4, 4)),
    Array.from({ length: 3 }, (_, i) => slurm(10 + 5 * i, 10, 20, 3)),
    Array.from({ length: 5 }, (_, i) => ({ JOB_COMPLETION_INDEX: String(i), JOB_COMPLETIONS: '5' })),
    [slurm(7, 7, 7, 1)],
  ]
  for (const array of arrays)
    for (const shardCount of [1, 3, 4, 17]) {
      const shards = array.flatMap((environment) => {
        const task = taskFromEnvironment(environment)
        return task ? shardsOfTask(task, shardCount) : []
      })
      expect(shards.sort((a, b) => a - b)).toEqual(Array.from({ length: shardCount }, (_, shard) => shard))
    }
})

test('a job whose number of tasks is not said has a task for each shard', () => {
  const task = taskFromEnvironment({ JOB_COMPLETION_INDEX: '2' })
  expect(task).toEqual({ index: 2, count: null })
  expect(shardsOfTask({ index: 2, count: null }, 3)).toEqual([2])
  expect(() => shardsOfTask({ index: 3, count: null }, 3)).toThrow('this is task 3, from 0, and the run has 3 shards')
})

test('where nothing says so it is no task', () => {
  expect(taskFromEnvironment({})).toBe(null)
  expect(taskFromEnvironment({ JOB_COMPLETION_INDEX: '' })).toBe(null)
})

test.each([
  [{ JOB_COMPLETION_INDEX: 'x' }, 'JOB_COMPLETION_INDEX is "x"; expected a whole number'],
  [{ JOB_COMPLETION_INDEX: '5', JOB_COMPLETIONS: '5' }, 'this is task 5, from 0, of 5: there is no such task'],
  [slurm(3, 1, 7, 3), 'not evenly spaced: give --shard'],
])('%j is refused', (environment, message) => {
  expect(() => taskFromEnvironment(environment)).toThrow(ArgumentError)
  expect(() => taskFromEnvironment(environment)).toThrow(message)
})
