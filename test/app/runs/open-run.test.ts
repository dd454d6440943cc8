import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pixelsOf } from '../../../src/app/data/image-set.ts'
import { labelMapFromPng } from '../../../src/app/pictures/label-map-picture.ts'
import { ConflictError, ImageReadError, StoreError, UnusableRunError } from '../../../src/app/runs/errors.ts'
import { openRun } from '../../../src/app/runs/open-run.ts'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import { plannedRunText, readPlannedRun } from '../../../src/app/runs/planned-run.ts'
import type { Run } from '../../../src/app/runs/run.ts'
import { task } from '../../../src/app/tasks/chosen-task.ts'
import { loadFashionMnist } from '../../../src/app/tasks/fashion-mnist/store.ts'
import { pictureOf } from '../../../src/app/tasks/task.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'
import { loadModel, openDevice } from '../../../src/engine/index.ts'
import { Explanation, explainerFor } from '../../../src/lime/index.ts'
import { computed, lasting, network, pictureFile, rowsOf, smallRun, useFolder } from './small-run.ts'

const folder = useFolder()
let outputs = 0
const newOutput = () => join(folder, `out-${outputs++}`)

/** Plans a run and opens it for one test. */
async function opened(run: Run) {
  await planRun(run)
  return openRun(run.output, { threads: 1 })
}

const whole = smallRun(join(folder, 'whole'))
beforeAll(async () => {
  const run = await opened(whole)
  await computed(run)
  await run.close()
})

const parts = (output: string) => readdirSync(output).filter((name) => name.includes('part-'))

describe('results', () => {
  it('are those of an explainer with the seeds that a row names', async () => {
    const rows = await rowsOf(whole.output)
    const device = await openDevice('cpu', { threads: 1 })
    const model = await loadModel(network)
    await model.compile({ device })
    const set = await loadFashionMnist('test')
    for (const index of [0, 7]) {
      const [row] = rows.filter(({ id }) => id === String(index))
      const seeds = { randomState: row.random_state ?? 0, randomSeed: row.random_seed }
      const explain = explainerFor({ ...whole.request, ...seeds, labels: [row.class_index ?? 0] })
      const found = await explain(pictureOf(task, pixelsOf(set, index)), model)
      expect(found).toBeInstanceOf(Explanation)
      if (!(found instanceof Explanation)) return
      const label = row.class_index ?? 0
      expect([...found.localExp[label]].sort(([a], [b]) => a - b).map(([, weight]) => weight)).toEqual(row.weights)
      expect(row).toMatchObject({
        r2: found.score[label],
        intercept: found.intercept[label],
        label: task.classNames[set.labels[index]],
      })
      expect(row.probabilities).toEqual(Array.from(found.prediction))
      const map = await labelMapFromPng(row.segments ?? new Uint8Array())
      expect(Array.from(map.data)).toEqual(Array.from(found.segments.data))
    }
    model.dispose()
    device.dispose()
  })

  it('have a row for the predicted class and, where it is another, for the true one', async () => {
    const rows = await rowsOf(whole.output)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(10)
    for (const row of rows) expect([row.predicted, row.label_index]).toContain(row.class_index)
    for (const row of rows.filter(({ position }) => position === 0)) expect(row.class_index).toBe(row.predicted)
  })

  it('depend on neither the shard nor the images before, and no two images share their seeds', async () => {
    const later = smallRun(newOutput(), { images: { source: 'test-set', first: 4, end: 9 }, shardSize: 4 })
    const run = await opened(later)
    for (const shard of [1, 0]) await run.compute(shard)
    await run.close()
    const all = (await rowsOf(whole.output)).map(lasting)
    for (const row of (await rowsOf(later.output)).map(lasting)) {
      const same = all.find(({ id, position }) => id === row.id && position === row.position)
      expect({ ...row, run: '' }).toEqual({ ...same, run: '' })
    }
    expect(new Set(all.map(({ random_state: seed }) => seed)).size).toBe(10)
  })

  it('are the same as JSON lines', async () => {
    const lines = smallRun(newOutput(), { format: 'jsonl' })
    const run = await opened(lines)
    await computed(run)
    await run.close()
    const rows = (await rowsOf(lines.output, 'jsonl')).map((row) => ({ ...lasting(row), run: '' }))
    expect(rows).toEqual((await rowsOf(whole.output)).map((row) => ({ ...lasting(row), run: '' })))
  })
})

describe('planning', () => {
  it('finds the same run again, and refuses another in its place with what differs', async () => {
    expect(await planRun(whole)).toMatchObject({ planned: 'before', shardCount: 4 })
    const others: readonly (readonly [Partial<Run>, string])[] = [
      [{ request: { ...whole.request, samples: 61 } }, 'samples was 60 and is 61 now'],
      [{ shardSize: 4 }, 'shardSize was 3 and is 4 now'],
      [
        { images: { source: 'test-set', first: 0, end: 9 } },
        'images was {"first":0,"count":10} and is {"first":0,"count":9} now',
      ],
      [{ model: { source: network.replace('cnn', 'resnet') } }, 'the model is another'],
      [{ format: 'jsonl' }, 'format was "parquet" and is "jsonl" now'],
    ]
    for (const [change, words] of others) {
      const refusal = await planRun({ ...whole, ...change }).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(ArgumentError)
      expect(String(refusal)).toContain(`${whole.output} is of another run: ${words}; go on with`)
    }
  })

  it('of two runs at once in one place lets one be', async () => {
    const output = newOutput()
    const runs = [60, 61, 62].map((samples) => smallRun(output, { request: { ...whole.request, samples } }))
    const made = await Promise.allSettled([...runs, ...runs].map((run) => planRun(run)))
    const hashes = made.flatMap((one) => (one.status === 'fulfilled' ? one.value.hash : []))
    expect(hashes.length).toBe(2)
    expect(new Set(hashes).size).toBe(1)
    expect(readdirSync(output)).toEqual(['run.json'])
  })

  it('notices a file that was changed among the images', async () => {
    const pictures = join(folder, 'changing')
    pictureFile(join(pictures, 'a.png'), 1)
    const run = smallRun(newOutput(), { images: { source: 'folder', folder: pictures } })
    await planRun(run)
    writeFileSync(join(pictures, 'a.png'), Buffer.concat([readFileSync(join(pictures, 'a.png')), Buffer.alloc(1)]))
    await expect(planRun(run)).rejects.toThrow('is of another run: images was {"count":1,"sha256":')
  })

  it.each([
    ['a model of another digest', { model: { source: network, sha256: '0'.repeat(64) } }, 'is another than the run'],
    [
      'images that there are not',
      { images: { source: 'test-set', first: 0, end: 10_001 } },
      'the test set has the images 0 to 9999',
    ],
    ['a request that is none', { request: { version: 1, method: 'magic' } }, 'magic'],
  ] as const)('refuses %s', async (_, change, words) => {
    await expect(planRun(smallRun(newOutput(), change))).rejects.toThrow(words)
  })
})

describe('a shard', () => {
  it('that several compute at once is published once, with what all of them computed', async () => {
    const run = smallRun(newOutput())
    await planRun(run)
    const workers = await Promise.all([1, 2, 3].map(() => openRun(run.output, { threads: 1 })))
    const outcomes = await Promise.all(workers.map((worker) => worker.compute(2)))
    expect(outcomes.map(({ published }) => published).sort()).toEqual(['before', 'before', 'now'])
    expect(new Set(outcomes.map(({ content }) => content)).size).toBe(1)
    expect(parts(run.output)).toEqual([outcomes[0].name])
    expect(await workers[0].compute(2)).toMatchObject({ published: 'before', content: outcomes[0].content, images: 3 })
    for (const worker of workers) await worker.close()
  })

  it('of another content in its place is told, and what was first stays', async () => {
    const [one, other] = [smallRun(newOutput()), smallRun(newOutput())]
    const run = await opened(one)
    // What a worker with a broken processor would have published while this one computes.
    const wrong = await opened(other)
    const { name } = await wrong.compute(0)
    const bytes = readFileSync(join(other.output, name))
    const content = bytes.indexOf('"content":"') + '"content":"'.length
    bytes.write('0'.repeat(64), content)
    let isPut = false
    const refusal = await run
      .compute(0, {
        onProgress() {
          if (!isPut) writeFileSync(join(one.output, name), bytes)
          isPut = true
        },
      })
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ConflictError)
    expect(String(refusal)).toContain('was published with another content (0000000000000000, computed here')
    expect(readFileSync(join(one.output, name)).equals(bytes)).toBe(true)
    await run.close()
    await wrong.close()
  })

  it('that is aborted leaves nothing, and the next attempt computes it', async () => {
    const run = await opened(smallRun(newOutput()))
    const controller = new AbortController()
    const reason = new Error('SIGTERM')
    const work = run.compute(0, {
      signal: controller.signal,
      onProgress: ({ done }) => done === 2 && controller.abort(reason),
    })
    await expect(work).rejects.toBe(reason)
    expect(readdirSync(run.run.output)).toEqual(['run.json'])
    expect(await run.compute(0)).toMatchObject({ published: 'now' })
    await run.close()
  })

  it.each([-1, 4, 0.5])('%s is refused', async (shard) => {
    const run = await openRun(whole.output)
    await expect(run.compute(shard)).rejects.toThrow('the run has the shards 0 to 3')
    await run.close()
  })
})

it('a label that is a number, and of no class, is no class, even where the classes have no names', async () => {
  const pictures = join(folder, 'numbered')
  const labels = ['20240101123', '10', '9', '-1']
  labels.forEach((_, i) => pictureFile(join(pictures, `${i}.png`), i))
  const lines = labels.map((label, i) => `${i},${i}.png,${label}`)
  writeFileSync(join(pictures, 'list.csv'), ['id,path,label', ...lines].join('\n'))
  const nameless = join(folder, 'nameless.safetensors')
  writeFileSync(nameless, readFileSync(network).toString('latin1').replace('Fashion-MNIST', 'somebodys-own'), 'latin1')
  const images = { source: 'manifest', manifest: join(pictures, 'list.csv') } as const
  const run = await opened(
    smallRun(newOutput(), { images, model: { source: nameless, scale: 1, output: 'probabilities' } }),
  )
  expect(await computed(run)).toMatchObject({ images: 4, errors: 0 })
  const first = (await rowsOf(run.run.output)).filter(({ position }) => position === 0)
  expect(first.map(({ label, label_index: index }) => [label, index])).toEqual([
    ['20240101123', null],
    ['10', null],
    ['9', 9],
    ['-1', null],
  ])
  await run.close()
})

describe('a picture that can’t be explained', () => {
  const pictures = join(folder, 'pictures')
  const manifest = join(pictures, 'list.csv')
  beforeAll(() => {
    pictureFile(join(pictures, 'good.png'), 1)
    pictureFile(join(folder, 'secret.png'), 2)
    writeFileSync(join(pictures, 'broken.png'), 'no picture')
    symlinkSync(join(folder, 'secret.png'), join(pictures, 'link.png'))
    mkdirSync(join(pictures, 'folder.png'))
    const rows = [
      'id,path,label',
      'a,good.png,sneaker',
      'b,broken.png,7',
      'c,missing.png,Sneaker',
      'd,link.png,',
      'e,folder.png,Hat',
    ]
    writeFileSync(manifest, rows.join('\n'))
  })

  it('is a row that says why, and the others are explained', async () => {
    const run = await opened(smallRun(newOutput(), { images: { source: 'manifest', manifest } }))
    const success = await computed(run)
    expect(success).toMatchObject({ shards: 2, images: 5, errors: 4 })
    const rows = await rowsOf(run.run.output)
    expect(
      rows
        .filter(({ error }) => error !== null)
        .map(({ id, error, label, label_index: index, weights }) => [id, error, label, index, weights]),
    ).toEqual([
      ['b', '10 bytes that are no picture of a kind that is read here: PNG, JPEG, WebP, GIF, BMP', '7', 7, null],
      ['c', 'there is no such file', 'Sneaker', 7, null],
      ['d', "it is a link that leads out of the run's folder of images", null, null, null],
      ['e', 'it is a folder', 'Hat', null, null],
    ])
    const [good] = rows
    expect(good).toMatchObject({ id: 'a', path: 'good.png', label: 'sneaker', label_index: 7, error: null })
    expect(good.weights?.length).toBe(9)
    await run.close()
  })

  it('because its whole folder is gone fails the shard, and nothing is published', async () => {
    const gone = join(folder, 'gone')
    for (const i of [1, 2, 3, 4]) pictureFile(join(gone, `${i}.png`), i)
    const run = await opened(smallRun(newOutput(), { images: { source: 'folder', folder: gone } }))
    for (const i of [1, 2, 3, 4]) rmSync(join(gone, `${i}.png`))
    const refused = () => run.compute(0).catch((error: unknown) => error)
    expect(String(await refused())).toContain('none of the 3 images of shard 0 is in')
    expect(await refused()).toBeInstanceOf(StoreError)
    // A folder that is mounted, and holds others: the fault of this shard alone.
    pictureFile(join(gone, 'other.png'), 5)
    expect(await refused()).toBeInstanceOf(ImageReadError)
    rmSync(gone, { recursive: true })
    await expect(run.compute(0)).rejects.toBeInstanceOf(StoreError)
    expect(parts(run.run.output)).toEqual([])
    await run.close()
  })
})

it('a label that the network does not have is refused when the run is planned, and by workers before any image', async () => {
  const output = newOutput()
  const refused = planRun(smallRun(output, { request: { ...whole.request, labels: [9, 10] } }))
  await expect(refused).rejects.toThrow(ArgumentError)
  await expect(refused).rejects.toThrow(
    "the run's request asks for the label 10, and its network has 10 classes, from 0",
  )
  expect(existsSync(output)).toBe(false)
  // As if somebody else had planned it.
  const { run: planned } = await planRun(smallRun(output, { request: { ...whole.request, labels: [9] } }))
  const { request } = planned
  writeFileSync(join(output, 'run.json'), plannedRunText({ ...planned, request: { ...request, labels: [9, 10] } }))
  const run = await openRun(output, { threads: 1 })
  const refusal = await run.compute(0).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(UnusableRunError)
  expect(String(refusal)).toContain('its network has 10 classes, from 0: plan it with other labels')
  await run.close()
})

describe('the end', () => {
  it('is refused while shards are missing, is the same whoever publishes it, and counts all', async () => {
    const run = await opened(smallRun(newOutput()))
    await run.compute(1)
    await expect(run.finish()).rejects.toThrow('3 of 4 shards are missing: 0, 2, 3')
    expect(await run.published()).toEqual(new Set([1]))
    const success = await computed(run)
    const recorded: unknown = JSON.parse(readFileSync(join(run.run.output, '_SUCCESS'), 'utf8'))
    expect(recorded).toEqual(success)
    expect(recorded).toEqual(JSON.parse(readFileSync(join(whole.output, '_SUCCESS'), 'utf8')))
    expect(await run.finish()).toEqual(success)
    expect(success).toMatchObject({ shards: 4, images: 10, errors: 0, rows: (await rowsOf(whole.output)).length })
    await run.close()
  })
})

describe('a planned run', () => {
  let text = ''
  beforeAll(() => {
    text = readFileSync(join(whole.output, 'run.json'), 'utf8')
  })
  afterAll(() => writeFileSync(join(whole.output, 'run.json'), text))

  it.each([
    [
      'was changed',
      (from: string) => from.replace('"samples": 60', '"samples": 61'),
      'was changed after the run was planned',
    ],
    [
      'is of another version of the program',
      (from: string) => plannedRunText({ ...readPlannedRun('', Buffer.from(from)), program: '0.0.1' }),
      'was planned with Limelight 0.0.1, and this is',
    ],
    [
      'names a list elsewhere',
      (from: string) =>
        from.replace(
          /"images": \{[^}]*\}/,
          '"images": {"kind":"list","root":"/","count":1,"name":"../x","sha256":"","offsets":[0,1]}',
        ),
      'images.name is "../x"; expected images.HASH.jsonl',
    ],
    ['is no JSON', () => '{', 'is not JSON: it is no planned run'],
    ['is something else', () => '{}', 'has no "run"'],
  ])('that %s is refused', async (_, change, words) => {
    const output = newOutput()
    mkdirSync(output)
    writeFileSync(join(output, 'run.json'), change(text))
    await expect(openRun(output)).rejects.toThrow(words)
  })

  it('that is not there is told', async () => {
    await expect(openRun(join(folder, 'nothing'))).rejects.toThrow('holds no run.json: plan the run first')
  })
})
