import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Slurm on this machine: its controller, a node and what vouches between them (munge), in a folder, on ports of their own. */
export interface SlurmCluster {
  /** Tells Slurm's commands where the cluster is. */
  readonly environment: NodeJS.ProcessEnv
  stop(): Promise<void>
}

const programs = ['/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch']

/** Whether it can be started: jobs are started by root. */
export const hasSlurm = process.getuid?.() === 0 && programs.every((path) => existsSync(path))

export async function startSlurm(): Promise<SlurmCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'slurm-'))
  const [host] = hostname().split('.')
  const configuration = join(folder, 'slurm.conf')
  const environment = { ...process.env, SLURM_CONF: configuration }
  const started: ChildProcess[] = []
  const start = (program: string, ...words: string[]) => {
    started.push(spawn(program, words, { env: environment, stdio: 'ignore' }))
  }
  const stop = async () => {
    for (const child of started.reverse()) {
      const ended = child.exitCode === null ? once(child, 'close') : undefined
      child.kill('SIGTERM')
      await ended
    }
    rmSync(folder, { recursive: true, force: true })
  }
  for (const name of ['state', 'spool']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'munge.key'), randomBytes(1024), { mode: 0o400 })
  const [controller, node] = [await freePort(), await freePort()]
  writeFileSync(
    configuration,
    [
      'ClusterName=limelight',
      `SlurmctldHost=${host}(127.0.0.1)`,
      `AuthInfo=socket=${folder}/munge.socket`,
      'SlurmUser=root',
      `SlurmctldPort=${controller}`,
      `SlurmdPort=${node}`,
      `SlurmctldPidFile=${folder}/slurmctld.pid`,
      `SlurmdPidFile=${folder}/slurmd.pid`,
      `SlurmctldLogFile=${folder}/slurmctld.log`,
      `SlurmdLogFile=${folder}/slurmd.log`,
      `StateSaveLocation=${folder}/state`,
      `SlurmdSpoolDir=${folder}/spool`,
      // Neither cgroups nor an accounting database is needed.
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'MpiDefault=none',
      'ReturnToService=2',
      `NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN`,
      `PartitionName=main Nodes=${host} Default=YES State=UP`,
      '',
    ].join('\n'),
  )
  const munge = [
    'key-file=munge.key',
    'socket=munge.socket',
    'pid-file=munged.pid',
    'log-file=munged.log',
    'seed-file=munge.seed',
  ]
  start('/usr/sbin/munged', '--foreground', '--force', ...munge.map((word) => `--${word.replace('=', `=${folder}/`)}`))
  await until(() => existsSync(join(folder, 'munge.socket')), folder)
  start('/usr/sbin/slurmctld', '-D', '-f', configuration)
  start('/usr/sbin/slurmd', '-D', '-f', configuration, '-N', host)
  await until(() => /idle/.test(said('sinfo', ['--noheader', '--format=%T'], environment)), folder)
  return { environment, stop }
}

function said(program: string, words: readonly string[], env: NodeJS.ProcessEnv): string {
  try {
    return execFileSync(program, words, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}

async function until(isSo: () => boolean, folder: string): Promise<void> {
  for (let turn = 0; turn < 300; turn++) {
    if (isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const logs = ['munged.log', 'slurmctld.log', 'slurmd.log'].map((name) => join(folder, name))
  throw new Error(
    `Slurm does not start:\n${logs.map((log) => (existsSync(log) ? readFileSync(log, 'utf8') : '')).join('\n')}`,
  )
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
