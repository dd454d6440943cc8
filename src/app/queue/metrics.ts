import { packageVersion } from '../data/package-files.ts'

/**
 * What a worker counts, in Prometheus's text format (version 0.0.4). Names and labels are part of the contract: docs/scale.md lists
 * them.
 */

type Labels = Readonly<Record<string, string>>

interface Family {
  readonly kind: 'counter' | 'gauge'
  readonly help: string
}

const families = {
  limelight_build_info: { kind: 'gauge', help: 'Always 1; the label says which version works.' },
  limelight_shards_total: {
    kind: 'counter',
    help: 'Shards that this worker took, by what became of them.',
  },
  limelight_images_total: { kind: 'counter', help: 'Images in the shards that this worker published.' },
  limelight_image_errors_total: { kind: 'counter', help: 'Images among them that could not be explained.' },
  limelight_computing_seconds_total: { kind: 'counter', help: 'Time spent on computing shards that were published.' },
  limelight_locks_lost_total: {
    kind: 'counter',
    help: 'Shards that another worker may have taken while this one computed them.',
  },
  limelight_computing_shards: { kind: 'gauge', help: 'Shards that this worker computes now.' },
  limelight_images_per_second: { kind: 'gauge', help: 'Of the shards that this worker computes now.' },
  limelight_queue_up: { kind: 'gauge', help: 'Whether this worker reaches the queue.' },
  limelight_queue_shards: {
    kind: 'gauge',
    help: 'Shards of all runs in the queue, by state. Absent while the queue is lost.',
  },
  process_cpu_seconds_total: {
    kind: 'counter',
    help: 'Time that the processor spent on this worker, its threads included.',
  },
  process_resident_memory_bytes: { kind: 'gauge', help: 'Memory that this worker has resident.' },
  process_start_time_seconds: { kind: 'gauge', help: 'When this worker was started, in seconds since 1970.' },
} as const satisfies Record<string, Family>

export type MetricName = keyof typeof families

/** What a shard comes to, in limelight_shards_total. */
export const shardOutcomes = ['published', 'published_before', 'failed', 'returned', 'cancelled'] as const
export type ShardEnd = (typeof shardOutcomes)[number]

export class Metrics {
  private readonly values = new Map<MetricName, Map<string, number>>()

  constructor() {
    this.set('limelight_build_info', 1, { version: packageVersion() })
    this.set('process_start_time_seconds', Math.round(Date.now() / 1000 - process.uptime()))
    // What is 0 is said, so that rates begin where the worker does.
    for (const outcome of shardOutcomes) this.add('limelight_shards_total', 0, { outcome })
    for (const name of [
      'limelight_images_total',
      'limelight_image_errors_total',
      'limelight_computing_seconds_total',
      'limelight_locks_lost_total',
    ] as const)
      this.add(name, 0)
  }

  add(name: MetricName, amount: number, labels: Labels = {}): void {
    const samples = this.samplesOf(name)
    const key = labelText(labels)
    samples.set(key, (samples.get(key) ?? 0) + amount)
  }

  set(name: MetricName, value: number, labels: Labels = {}): void {
    this.samplesOf(name).set(labelText(labels), value)
  }

  forget(name: MetricName): void {
    this.values.delete(name)
  }

  text(): string {
    const { user, system } = process.cpuUsage()
    this.set('process_cpu_seconds_total', (user + system) / 1e6)
    this.set('process_resident_memory_bytes', process.memoryUsage.rss())
    return [...this.values]
      .flatMap(([name, samples]) => [
        `# HELP ${name} ${families[name].help}`,
        `# TYPE ${name} ${families[name].kind}`,
        ...[...samples].map(([labels, value]) => `${name}${labels} ${value}`),
      ])
      .map((line) => `${line}\n`)
      .join('')
  }

  private samplesOf(name: MetricName): Map<string, number> {
    const samples = this.values.get(name) ?? new Map<string, number>()
    this.values.set(name, samples)
    return samples
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
