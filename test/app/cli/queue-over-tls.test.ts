import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import { closedAfterwards, describeWithRedis, madeCertificate, RedisServer } from '../queue/redis.ts'
import { smallRun } from '../runs/small-run.ts'
import { expectFailure, start, useFolder } from './command.ts'

/** NODE_EXTRA_CA_CERTS is read as a process starts: so each of these is one of its own. */

const folder = useFolder()
const password = 'correct-horse-battery'

const certified = (name: string, names?: string) => {
  mkdirSync(join(folder, name))
  return madeCertificate(join(folder, name), names)
}

describeWithRedis('limelight batch on a queue over TLS', async () => {
  const certificate = certified('own')
  const ofOther = certified('other', 'DNS:elsewhere')
  const server = closedAfterwards(await RedisServer.start({ password, certificate }))
  const other = closedAfterwards(await RedisServer.start({ password, certificate: ofOther }))
  const plain = closedAfterwards(await RedisServer.start({ password }))
  const output = join(folder, 'run')
  const printed: string[] = []
  const batch = async (words: readonly string[], queue: string, authority?: string) => {
    const env = { ...process.env, LIMELIGHT_QUEUE: queue, LIMELIGHT_QUEUE_PASSWORD: password }
    const outcome = await start(['batch', ...words], { env: { ...env, NODE_EXTRA_CA_CERTS: authority } }).ended
    printed.push(outcome.stdout, outcome.stderr)
    return outcome
  }
  afterAll(() => {
    expect(printed.length).toBeGreaterThan(0)
    for (const text of printed) expect(text).not.toContain(password)
  })

  it.each(['localhost', '127.0.0.1'])('reaches it at %s with its authority', async (host) => {
    await planRun(smallRun(output))
    const queue = `rediss://${host}:${server.port}`
    const submitted = await batch(['submit', output, '--json'], queue, certificate.authority)
    expect(submitted.stderr).toBe('')
    expect(JSON.parse(submitted.stdout)).toMatchObject({ added: 4 })
    const status = await batch(['status', output, '--json'], queue, certificate.authority)
    expect(JSON.parse(status.stdout).shards).toMatchObject({ waiting: 4 })
    expect((await batch(['cancel', output], queue, certificate.authority)).stdout).toMatch(/4 shards taken out/)
  })

  it.each([
    [
      'without its authority',
      `rediss://127.0.0.1:${server.port}`,
      undefined,
      'its certificate is none that is trusted here; NODE_EXTRA_CA_CERTS names a file of those that are',
    ],
    [
      'with another authority',
      `rediss://127.0.0.1:${server.port}`,
      ofOther.authority,
      'its certificate is none that is trusted here; NODE_EXTRA_CA_CERTS names a file of those that are',
    ],
    [
      'by a name that its certificate has not',
      `rediss://127.0.0.1:${other.port}`,
      ofOther.authority,
      'its certificate is of another host: give the name that it is for',
    ],
    [
      'without TLS',
      `redis://127.0.0.1:${server.port}`,
      certificate.authority,
      'it closed the connection; where it speaks TLS alone, take rediss:// in place of redis://',
    ],
    [
      'with TLS where it speaks none',
      `rediss://127.0.0.1:${plain.port}`,
      certificate.authority,
      'it does not answer; where it speaks no TLS, take redis:// in place of rediss://',
    ],
  ])('says in one line why it can’t be used %s', async (_, queue, authority, why) => {
    const pattern = new RegExp(`^limelight: the queue ${queue} can't be used: ${why}\\n$`)
    expectFailure(await batch(['work'], queue, authority), 1, pattern)
  })
})
