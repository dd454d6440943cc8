import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { ShardThreads } from '../../../src/app/queue/shard-threads.ts'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import { hashOfRun, plannedRunName, plannedRunText } from '../../../src/app/runs/planned-run.ts'
import type { Run } from '../../../src/app/runs/run.ts'
import type { ExplanationRequest } from '../../../src/lime/index.ts'
import { network, pictureFile, smallRun, useFolder } from '../runs/small-run.ts'

const folder = useFolder()
const threads = new ShardThreads({ threads: 1 }, () => {})
afterAll(() => threads.close())

let outputs = 0
/** Plans a run, whose shards the threads then compute. @param changed as if somebody else had planned it */
async function planned(given: Partial<Run>, changed: Partial<ExplanationRequest> = {}) {
  const { run } = await planRun(smallRun(join(folder, `out-${outputs++}`), given))
  const there = { ...run, request: { ...run.request, ...changed } as ExplanationRequest }
  writeFileSync(join(run.output, plannedRunName), plannedRunText(there))
  const call = { signal: new AbortController().signal, onProgress() {} }
  return (shard: number) => threads.compute({ run: hashOfRun(there), output: run.output, shard }, call)
}

it('a model that is not there is the fault of the place, and taken once it is', async () => {
  const source = join(folder, 'network.safetensors')
  await copyFile(network, source)
  const compute = await planned({ model: { source } })
  renameSync(source, join(folder, 'elsewhere'))
  for (const shard of [0, 1])
    await expect(compute(shard)).rejects.toMatchObject({ name: 'ShardFailedError', fault: 'place' })
  renameSync(join(folder, 'elsewhere'), source)
  expect(await compute(0)).toMatchObject({ published: 'now' })
})

it('images that are gone are the fault of their shard, and labels that there are not that of the job', async () => {
  const pictures = join(folder, 'pictures')
  for (const i of [1, 2, 3, 4, 5]) pictureFile(join(pictures, `${i}.png`), i)
  const compute = await planned({ images: { source: 'folder', folder: pictures } })
  for (const i of [1, 2, 3]) rmSync(join(pictures, `${i}.png`))
  await expect(compute(0)).rejects.toMatchObject({ fault: 'shard' })
  expect(await compute(1)).toMatchObject({ published: 'now', images: 2 })
  const { request } = smallRun('')
  const asking = await planned({ request: { ...request, labels: [9] } }, { labels: [10] })
  await expect(asking(0)).rejects.toMatchObject({ fault: 'job' })
})
