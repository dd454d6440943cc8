import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it, vi } from 'vitest'
import { isOfPlace, PlaceError } from '../../../src/app/runs/errors.ts'
import { errorRow } from '../../../src/app/runs/explained-rows.ts'
import { openRun } from '../../../src/app/runs/open-run.ts'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import type { Run } from '../../../src/app/runs/run.ts'
import { type ImageExplainer, openImageExplainer } from '../../../src/app/runs/run-images.ts'
import { DeviceError, DeviceLostError } from '../../../src/engine/errors.ts'
import { explanationRequest } from '../../../src/lime/index.ts'
import { pictureFile, smallRun, useFolder } from './small-run.ts'

/** A run whose explainer fails when the test says so: no device is lost on demand. */

vi.mock('../../../src/app/runs/run-images.ts', () => ({ openImageExplainer: vi.fn() }))

const folder = useFolder()
const open = vi.mocked(openImageExplainer)
beforeEach(() => void open.mockReset())

let outputs = 0
async function opened(given: Partial<Run> = {}) {
  const run = smallRun(join(folder, `out-${outputs++}`), given)
  await planRun(run)
  return openRun(run.output)
}

const request = explanationRequest({ version: 1, method: 'lime' })

/** Finds about each image what the test says is wrong with it. */
function explaining(wrongWith: (id: string) => string) {
  const origin = { run: '', request, labelIndex: null, nameOf: String, seconds: 1, device: 'cpu', program: '' }
  const explain: ImageExplainer['explain'] = async (image) => [errorRow({ ...origin, image }, wrongWith(image.id))]
  return { explain, close: vi.fn() }
}

const ownFault = (id: string) => `what is wrong has the number ${Number(id) ** 2}`

it('opens a model that could not be opened anew with the next shard, and says that the place is at fault', async () => {
  const run = await opened()
  open.mockRejectedValueOnce(new DeviceError('there is no WebGPU adapter')).mockResolvedValueOnce(explaining(ownFault))
  const refusal = await run.compute(0).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(PlaceError)
  expect(String(refusal)).toBe('PlaceError: there is no WebGPU adapter')
  expect(await run.compute(0)).toMatchObject({ published: 'now' })
  expect(open).toHaveBeenCalledTimes(2)
  await run.close()
})

it.each([
  ['a lost device', new DeviceLostError('the device was lost'), true],
  ['anything else', new Error('a bug'), false],
])('closes what met with %s while it computed, and opens it anew once', async (_, failure, ofPlace) => {
  const run = await opened()
  const failing = { explain: vi.fn().mockRejectedValue(failure), close: vi.fn() }
  const whole = explaining(ownFault)
  open.mockResolvedValueOnce(failing).mockResolvedValueOnce(whole)
  await expect(run.compute(0)).rejects.toBe(failure)
  expect(isOfPlace(failure)).toBe(ofPlace)
  expect(failing.close).toHaveBeenCalledTimes(1)
  for (const shard of [0, 1]) expect(await run.compute(shard)).toMatchObject({ published: 'now' })
  expect(open).toHaveBeenCalledTimes(2)
  expect(whole.close).not.toHaveBeenCalled()
  await run.close()
})

it('keeps the model after an abort, and while another shard is computed with it', async () => {
  const run = await opened()
  const controller = new AbortController()
  const one = explaining(ownFault)
  const failure = new Error('a bug')
  const explain = vi.fn(one.explain).mockImplementationOnce(async () => {
    controller.abort(new Error('SIGTERM'))
    throw controller.signal.reason
  })
  open.mockResolvedValue({ ...one, explain })
  await expect(run.compute(0, { signal: controller.signal })).rejects.toThrow('SIGTERM')
  expect(one.close).not.toHaveBeenCalled()
  explain.mockRejectedValueOnce(failure)
  let closedBefore = 0
  const [failed, other] = await Promise.allSettled([
    run.compute(0),
    run.compute(1, {
      onProgress() {
        closedBefore = one.close.mock.calls.length
      },
    }),
  ])
  expect([failed.status, other.status].sort()).toEqual(['fulfilled', 'rejected'])
  expect(closedBefore).toBe(0)
  expect(one.close).toHaveBeenCalledTimes(1)
  await run.close()
})

it('publishes no shard all of whose images fail for one reason', async () => {
  const run = await opened()
  const published = () => readdirSync(run.run.output).filter((name) => name.startsWith('part-')).length
  const reason = 'a probability is NaN'
  open.mockResolvedValue(explaining(() => reason))
  await expect(run.compute(0)).rejects.toThrow(
    `none of the 3 images of shard 0 can be explained, all for one reason: ${reason}`,
  )
  expect(published()).toBe(0)
  // The last shard has one image alone, of which nobody can tell.
  expect(await run.compute(3)).toMatchObject({ images: 1, errors: 1 })
  await run.close()
  open.mockResolvedValue(explaining((id) => (id === '1' ? 'too dark' : reason)))
  expect(await run.compute(0)).toMatchObject({ images: 3, errors: 3 })
  expect(published()).toBe(2)
  await run.close()
})

it('takes the path of an image out of what it compares', async () => {
  const pictures = join(folder, 'pictures')
  for (const name of ['a.png', 'b.png']) pictureFile(join(pictures, name), 1)
  const run = await opened({ images: { source: 'folder', folder: pictures } })
  open.mockResolvedValue(explaining((id) => `no memory for ${id}`))
  await expect(run.compute(0)).rejects.toThrow('all for one reason: no memory for a.png')
  await run.close()
})
