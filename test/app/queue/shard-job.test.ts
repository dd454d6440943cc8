import { describe, expect, it } from 'vitest'
import {
  jobIdOf,
  readProgress,
  readShardJob,
  shardOfJobId,
  UnusableJobError,
} from '../../../src/app/queue/shard-job.ts'

const job = { run: '0123456789abcdef', output: '/data/run', shard: 3 }

describe('a job of the queue', () => {
  it.each([job, { ...job, output: 's3://bucket/prefix' }, { ...job, output: 'C:\\run', shard: 0 }])(
    '%j is taken',
    (data) => {
      expect(readShardJob(data)).toEqual(data)
    },
  )

  it.each([
    null,
    'a text',
    [],
    {},
    { ...job, run: '0123' },
    { ...job, run: '../../etc/passwd' },
    { ...job, output: 'relative/run' },
    { ...job, output: 'https://host/run' },
    { ...job, output: 7 },
    { ...job, output: `/${'a'.repeat(5000)}` },
    { ...job, shard: -1 },
    { ...job, shard: 1.5 },
    { ...job, shard: '3' },
    { ...job, shard: Number.MAX_SAFE_INTEGER + 1 },
    { ...job, code: 'process.exit()' },
  ])('%j is refused', (data) => {
    expect(() => readShardJob(data)).toThrow(UnusableJobError)
  })

  it('has a name that says the shard, and no other name does', () => {
    expect(shardOfJobId(jobIdOf(job))).toEqual({ run: job.run, shard: 3 })
    for (const id of [
      '',
      '3',
      'repeat:abc',
      `${job.run}-`,
      `${job.run}-3x`,
      `x${job.run}-3`,
      `${job.run.toUpperCase()}-3`,
    ])
      expect(shardOfJobId(id)).toBeUndefined()
  })

  it('has a progress that is read only where it is one', () => {
    const told = { done: 3, imagesASecond: 1.5, at: 5 }
    expect(readProgress(told)).toEqual(told)
    for (const other of [0, {}, null, undefined, 'half', { ...told, done: '3' }]) expect(readProgress(other)).toBeNull()
  })
})
