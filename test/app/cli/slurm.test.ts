import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runOfFiveShards } from '../runs/small-run.ts'
import { limelight, outcomeOf, root, start, useFolder } from './command.ts'
import { hasSlurm, startSlurm } from './slurm-cluster.ts'

const folder = useFolder()

function planned(output: string) {
  writeFileSync(join(folder, `${output}.json`), JSON.stringify(runOfFiveShards(output)))
  return limelight('batch', 'plan', join(folder, `${output}.json`))
}

// Jobs of a real Slurm are started by root alone, and by what Debian's packages bring. `.ci/run` installs them, and there a missing one fails.
const reason = hasSlurm
  ? ''
  : " (skipped: not root, or Debian's slurmctld, slurmd, slurm-client and munge are not installed)"
it.skipIf(!hasSlurm && !process.env.CI)(
  `an array of four jobs of a real Slurm gives the same set as an Indexed Job${reason}`,
  async () => {
    await planned('array')
    const script = join(folder, 'explain.sbatch')
    const command = [
      process.execPath,
      join(root, 'dist/cli.js'),
      'batch',
      'run',
      join(folder, 'array'),
      '--threads',
      '1',
    ]
    writeFileSync(script, `#!/bin/bash\nexec ${command.map((word) => `'${word}'`).join(' ')}\n`)
    const cluster = await startSlurm()
    try {
      const words = ['--wait', '--array=1-4', `--output=${folder}/task-%a.txt`, script]
      const { code, stderr } = await outcomeOf(spawn('sbatch', words, { env: cluster.environment }))
      expect(code, stderr).toBe(0)
    } finally {
      await cluster.stop()
    }
    const said = [1, 2, 3, 4].map((task) => readFileSync(join(folder, `task-${task}.txt`), 'utf8'))
    expect(said.map((text) => /^(\d) of 5 shards/m.exec(text)?.[1])).toEqual(['2', '1', '1', '1'])
    await limelight('batch', 'finish', join(folder, 'array'))

    await planned('job')
    for (const index of [0, 1, 2, 3])
      await start(['batch', 'run', join(folder, 'job'), '--threads', '1'], {
        env: { ...process.env, JOB_COMPLETION_INDEX: String(index), JOB_COMPLETIONS: '4' },
      }).ended
    await limelight('batch', 'finish', join(folder, 'job'))
    const success = (output: string): unknown => JSON.parse(readFileSync(join(folder, output, '_SUCCESS'), 'utf8'))
    expect(success('array')).toEqual(success('job'))
    expect(readdirSync(join(folder, 'array'))).toEqual(readdirSync(join(folder, 'job')))
  },
  600_000,
)
