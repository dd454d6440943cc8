import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Metrics, shardOutcomes } from '../../../src/app/queue/metrics.ts'
import { serveMetrics } from '../../../src/app/queue/metrics-server.ts'
import { workLog } from '../../../src/app/queue/work-log.ts'

/** The grammar of Prometheus's text format, line by line. */
const help = /^# HELP [a-z_]+ [^\n]+$/
const type = /^# TYPE ([a-z_]+) (counter|gauge)$/
const sample = /^([a-z_]+)(\{[a-z]+="[^"\\\n]*"\})? -?\d+(\.\d+)?(e[+-]?\d+)?$/

describe("a worker's metrics", () => {
  it('are of the text format: each family together, after its help and its type', () => {
    const metrics = new Metrics()
    metrics.add('limelight_shards_total', 1, { outcome: 'published' })
    metrics.add('limelight_shards_total', 2, { outcome: 'published' })
    metrics.set('limelight_queue_shards', 7, { state: 'waiting' })
    const text = metrics.text()
    expect(text.endsWith('\n')).toBe(true)
    const families: string[] = []
    for (const line of text.trimEnd().split('\n')) {
      const begun = type.exec(line)?.[1]
      if (begun) families.push(begun)
      else if (!help.test(line)) expect(sample.exec(line)?.[1], line).toBe(families.at(-1))
    }
    expect(new Set(families).size).toBe(families.length)
    expect(text).toMatch(/^limelight_shards_total\{outcome="published"\} 3$/m)
    expect(text).toMatch(/^limelight_queue_shards\{state="waiting"\} 7$/m)
  })

  it('say from the beginning what was counted never', () => {
    const text = new Metrics().text()
    for (const outcome of shardOutcomes) expect(text).toContain(`limelight_shards_total{outcome="${outcome}"} 0\n`)
    expect(text).toMatch(/^limelight_images_total 0$/m)
  })

  it('are served, and nothing else is but the sign of life', async () => {
    const server = await serveMetrics(0, async () => 'up 1\n')
    const at = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
    const answer = await at('/metrics')
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await answer.text()).toBe('up 1\n')
    expect((await at('/healthz')).status).toBe(200)
    expect((await at('/')).status).toBe(404)
    expect((await at('/metrics', { method: 'POST' })).status).toBe(405)
    server.close()
  })

  it('say whose port it is that they can’t have', async () => {
    const other = createServer().listen(0)
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address ? address.port : 0
    await expect(serveMetrics(port, async () => '')).rejects.toThrow(
      `--metrics-port: the port ${port} can't be had: another program has it`,
    )
    other.close()
  })
})

describe("a worker's log", () => {
  it('is a JSON object a line, or a line for people', () => {
    const lines: string[] = []
    const write = (line: string) => lines.push(line)
    workLog('json', write)('warning', 'failed', 'shard 3 failed:\nbadly', { shard: 3 })
    workLog('text', write)('warning', 'failed', 'shard 3 failed', { shard: 3 })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'warning',
      event: 'failed',
      message: 'shard 3 failed:\nbadly',
      shard: 3,
    })
    expect(lines[0]).not.toContain('\n')
    expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z warning: shard 3 failed$/)
  })
})
