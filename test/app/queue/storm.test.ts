import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { root } from '../cli/command.ts'
import { describeWithRedis } from './redis.ts'

/** The small one of `npm run bench -- storm`: the same program, fewer images and blows. */
describeWithRedis('a run whose workers, queue and link fail', () => {
  it('has every image once, equal to the last bit to an undisturbed run', async () => {
    const small = '--images 512 --samples 10 --kills 3 --restarts 1 --losses 1 --cut 2 --lock 1 --gap 2 --json'
    const { stdout } = await promisify(execFile)(process.execPath, ['bench/storm.mjs', ...small.split(' ')], {
      cwd: root,
    })
    expect(JSON.parse(stdout)).toMatchObject({
      images: 512,
      kills: 3,
      restarts: 1,
      losses: 1,
      freezes: 1,
      cuts: 1,
      shards: 2,
      found: 512,
      twice: 0,
      different: 0,
      equalBits: true,
    })
  }, 300_000)
})
