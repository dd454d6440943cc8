import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import { closedAfterwards, describeWithRedis, freePort, RedisServer } from '../queue/redis.ts'
import { bucketName, useS3Server } from '../runs/s3-server.ts'
import { smallRun } from '../runs/small-run.ts'
import { expectFailure, limelight, type Outcome, type Running, start, useFolder } from './command.ts'

const folder = useFolder()
const bucket = useS3Server()
const password = 'correct-horse-battery'

describe('limelight batch, without a queue', () => {
  it('says in one line that nothing answers at the address', async () => {
    const port = await freePort()
    const output = join(folder, 'unreachable')
    await planRun(smallRun(output))
    for (const words of [['work'], ['submit', output], ['status', output], ['cancel', 'f'.repeat(16)]])
      expectFailure(
        await limelight('batch', ...words, '--queue', `redis://127.0.0.1:${port}`),
        1,
        /^limelight: the queue redis:\/\/127\.0\.0\.1:\d+ can't be used: nothing listens there; start Redis or Valkey, or give another address\n$/,
      )
  })

  it('asks for an address, and refuses one with a password in it', async () => {
    expectFailure(
      await limelight('batch', 'work'),
      2,
      /^limelight: give --queue, the address of a queue: redis:\/\/host:6379/,
    )
    const refused = await limelight('batch', 'work', '--queue', `redis://:${password}@127.0.0.1`)
    expectFailure(refused, 2, /LIMELIGHT_QUEUE_PASSWORD/)
    expect(refused.stderr).not.toContain(password)
  })
})

describeWithRedis('limelight batch on a queue', async () => {
  const server = closedAfterwards(await RedisServer.start({ password }))
  const printed: string[] = []
  const running: Running[] = []
  const begin = (words: readonly string[], own: NodeJS.ProcessEnv = {}): Running => {
    const env = { ...process.env, LIMELIGHT_QUEUE: server.url, LIMELIGHT_QUEUE_PASSWORD: password, ...own }
    const command = start(['batch', ...words], { env })
    running.push(command)
    command.ended.then(({ stdout, stderr }) => printed.push(stdout, stderr))
    return command
  }
  const batch = (...words: string[]): Promise<Outcome> => begin(words).ended
  const worker = (...words: string[]) => begin(['work', '--lock', '1', '--log', 'json', '--threads', '1', ...words])
  const status = async (run: string): Promise<{ shards: Record<string, number> }> =>
    JSON.parse((await batch('status', run, '--json')).stdout)
  const allPublished = (run: string) =>
    vi.waitFor(
      async () => expect((await status(run)).shards).toMatchObject({ published: 4, waiting: 0, computing: 0 }),
      { timeout: 90_000 },
    )
  const parts = (output: string) => readdirSync(output).filter((name) => name.startsWith('part-'))
  afterEach(async () => {
    for (const { child } of running.splice(0)) child.kill('SIGKILL')
    await server.lose()
  })
  afterAll(() => {
    expect(printed.length).toBeGreaterThan(0)
    for (const text of printed) expect(text).not.toContain(password)
  })

  it('submits, computes, tells and finishes a run; SIGTERM ends a worker', async () => {
    const output = join(folder, 'whole')
    await planRun(smallRun(output))
    expect((await batch('submit', output)).stdout).toMatch(
      /: 4 of 4 shards added to the queue; 0 are published, 0 were queued before\n$/,
    )
    expect((await batch('submit', output)).stdout).toMatch(/: 0 of 4 shards added/)
    const working = worker()
    await allPublished(output)
    expect((await batch('finish', output)).stdout).toMatch(/is finished: 4 shards, 10 images/)
    working.child.kill('SIGTERM')
    const { code, stderr } = await working.ended
    expect(code).toBe(143)
    const events = stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
    expect(events.map(({ event }) => event).sort()).toEqual([
      'published',
      'published',
      'published',
      'published',
      'started',
      'stopped',
      'stopping',
      'taken',
      'taken',
      'taken',
      'taken',
    ])
  })

  it('refuses a wrong password in one line, and says where the right one goes', async () => {
    for (const [own, expected] of [
      ['wrong', /it refuses the user or the password; LIMELIGHT_QUEUE_PASSWORD holds the password\n$/],
      ['', /it wants a password: put it into the variable LIMELIGHT_QUEUE_PASSWORD\n$/],
    ] as const)
      expectFailure(await begin(['work'], { LIMELIGHT_QUEUE_PASSWORD: own, REDIS_PASSWORD: '' }).ended, 1, expected)
  })

  it('goes on after a full disk: the worker ends and says so, its shard is back, and a later worker publishes it', async ({
    skip,
  }) => {
    const output = join(folder, 'small-disk')
    mkdirSync(output)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', output], { stdio: 'ignore' })
    } catch {
      skip('nobody but root under Linux can make a small disk')
    }
    try {
      await planRun(smallRun(output))
      await batch('submit', output)
      const fill = join(output, 'filling')
      writeFileSync(fill, new Uint8Array(4096))
      try {
        for (;;) writeFileSync(fill, new Uint8Array(4096), { flag: 'a' })
      } catch {}
      const { code, stderr } = await worker().ended
      expect(stderr).toMatch(/\nlimelight: .*the disk is full\n$/)
      expect(code).toBe(1)
      expect((await status(output)).shards).toMatchObject({
        published: 0,
        waiting: 4,
        computing: 0,
        failed: 0,
        missing: 0,
      })
      rmSync(fill)
      worker()
      await allPublished(output)
      expect(parts(output)).toHaveLength(4)
    } finally {
      for (const { child } of running) child.kill('SIGKILL')
      execFileSync('umount', ['-l', output])
    }
  })

  it('goes on after a bucket refused', async () => {
    const output = `s3://${bucketName}/run`
    await planRun(smallRun(output))
    await batch('submit', output)
    bucket.refuses = true
    const { code, stderr } = await worker().ended
    expect(stderr).toMatch(/\nlimelight: can't (read|write) s3:\/\/.*403\)\n$/)
    expect(stderr).not.toContain('secret')
    expect(code).toBe(1)
    bucket.refuses = false
    expect((await status(output)).shards).toMatchObject({ published: 0, waiting: 4, failed: 0, missing: 0 })
    worker()
    await allPublished(output)
    expect([...bucket.objects.keys()].filter((key) => key.includes('part-'))).toHaveLength(4)
  })

  it('sets shards aside of a run that was replaced in its output, and mixes nothing', async () => {
    const output = join(folder, 'replaced')
    await planRun(smallRun(output))
    await batch('submit', output)
    rmSync(output, { recursive: true })
    await planRun(smallRun(output, { shardSize: 5 }))
    const working = worker()
    let told = ''
    working.child.stderr?.on('data', (part) => {
      told += part
    })
    const setAside = () => told.match(/"event":"set-aside"/g)?.length ?? 0
    await vi.waitFor(() => expect(setAside()).toBe(4), { timeout: 90_000 })
    expect((await batch('submit', output)).stdout).toMatch(/: 2 of 2 shards added/)
    await vi.waitFor(
      async () => expect((await status(output)).shards).toMatchObject({ total: 2, published: 2, computing: 0 }),
      { timeout: 90_000 },
    )
    working.child.kill('SIGTERM')
    const { stderr } = await working.ended
    expect(setAside()).toBe(4)
    expect(stderr).toMatch(/holds the run [0-9a-f]{16} now, not [0-9a-f]{16}/)
    expect(parts(output)).toHaveLength(2)
  })
})
