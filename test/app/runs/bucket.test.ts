import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBucket } from '../../../src/app/runs/bucket.ts'
import { ImageReadError, isOfPlace, StoreError } from '../../../src/app/runs/errors.ts'
import { openImageSource } from '../../../src/app/runs/image-source.ts'
import { ObjectCache } from '../../../src/app/runs/object-cache.ts'
import { openRun } from '../../../src/app/runs/open-run.ts'
import { openStore } from '../../../src/app/runs/open-store.ts'
import { planRun } from '../../../src/app/runs/plan-run.ts'
import { contentOf } from '../../../src/app/runs/store.ts'
import { bucketName, useS3Server } from './s3-server.ts'
import { computed, network, pictureFile, rowsOf, smallRun, useFolder } from './small-run.ts'

const folder = useFolder()
const server = useS3Server()
const address = (prefix: string) => `s3://${bucketName}/${prefix}`

let cache: string | undefined
beforeEach(() => {
  cache = process.env.LIMELIGHT_DATA
  process.env.LIMELIGHT_DATA = join(folder, 'cache')
  mkdirSync(join(folder, 'cache'), { recursive: true })
})
afterEach(() => {
  if (cache === undefined) delete process.env.LIMELIGHT_DATA
  else process.env.LIMELIGHT_DATA = cache
  Object.assign(server, { refuses: false, heedsConditions: true, breaks: 0 })
  server.refused.clear()
  server.objects.clear()
})

describe('a bucket', () => {
  it('keeps what was published first, of several at once one', async () => {
    const store = await openStore(address('race'))
    const made = await Promise.all(['a', 'b', 'c', 'd'].map((text) => store.publish('x', Buffer.from(text))))
    expect(made.filter((isOurs) => isOurs).length).toBe(1)
    const winner = ['a', 'b', 'c', 'd'][made.indexOf(true)]
    expect(Buffer.from((await contentOf(store, 'x')) ?? []).toString()).toBe(winner)
    expect(await store.open('y')).toBe(null)
  })

  it('lists more than a page, and only under its prefix', async () => {
    const store = await openStore(address('many'))
    const names = Array.from({ length: 8 }, (_, i) => `part-${i}`)
    for (const name of [...names, 'other']) await store.publish(name, Buffer.from(name))
    await (await openStore(address('many-more'))).publish('part-9', Buffer.from(''))
    expect((await store.list('part-')).sort()).toEqual(names)
  })

  it('that refuses says so in one line, without the credentials', async () => {
    const store = await openStore(address('refused'))
    server.refuses = true
    const refusal = await store.publish('x', Buffer.from('')).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(StoreError)
    expect(String(refusal)).toBe(
      `StoreError: can't write s3://${bucketName}/refused/x: the bucket refuses it: these credentials have no right to (the server answers 403)`,
    )
    server.refuses = false
    await expect((await openStore('s3://elsewhere')).list('')).rejects.toThrow('there is no such bucket')
    await expect(openStore('s3://X')).rejects.toThrow('expected s3://bucket/prefix')
  })

  it('is asked three times for an object that breaks off', async () => {
    server.objects.set('x', Buffer.from('some text'))
    const bucket = await openBucket(bucketName)
    const asked = () => server.counts.get('GET') ?? 0
    const before = asked()
    server.breaks = 2
    expect(Buffer.from((await bucket.whole('x')) ?? []).toString()).toBe('some text')
    expect(asked() - before).toBe(3)
    server.breaks = 3
    await expect(bucket.whole('x')).rejects.toBeInstanceOf(StoreError)
    expect(asked() - before).toBe(6)
  })

  it('of a server that replaces what is there is no place for a run', async () => {
    server.heedsConditions = false
    // Nor is it the second time, when its run.json is there.
    for (let time = 0; time < 2; time++)
      await expect(planRun(smallRun(address('unsafe')))).rejects.toThrow('does not heed If-None-Match')
  })
})

describe('a run in a bucket', () => {
  it('comes to what it comes to in a folder', async () => {
    const inBucket = smallRun(address('run'))
    const inFolder = smallRun(join(folder, 'run'))
    const contents: string[] = []
    for (const run of [inBucket, inFolder]) {
      await planRun(run)
      const opened = await openRun(run.output, { threads: 1 })
      contents.push((await computed(opened)).content)
      expect(await opened.published()).toEqual(new Set([0, 1, 2, 3]))
      await opened.close()
    }
    expect(contents[0]).toBe(contents[1])
    expect([...server.objects.keys()].map((key) => key.replace(/^run\//, '')).sort()).toEqual([
      '_SUCCESS',
      expect.stringMatching(/^part-00000-of-00004\.[\da-f]{16}\.parquet$/),
      expect.stringMatching(/^part-00001-of-00004\./),
      expect.stringMatching(/^part-00002-of-00004\./),
      expect.stringMatching(/^part-00003-of-00004\./),
      'run.json',
    ])
    expect((await rowsOf(inBucket.output)).length).toBe((await rowsOf(inFolder.output)).length)
  })

  it('takes its model and its images from one, and keeps them on the machine', async () => {
    for (const name of ['b.png', 'a.png', 'c/d.png']) {
      pictureFile(join(folder, 'made', name), name.length)
      server.objects.set(`pictures/${name}`, readFileSync(join(folder, 'made', name)))
    }
    server.objects.set('pictures/notes.txt', Buffer.from('no picture'))
    server.objects.set('models/net.safetensors', readFileSync(network))
    const images = { source: 's3', prefix: address('pictures') } as const
    const run = smallRun(join(folder, 'from-bucket'), { model: { source: address('models/net.safetensors') }, images })
    await planRun(run)
    const opened = await openRun(run.output, { threads: 1 })
    await computed(opened)
    await opened.close()
    expect((await rowsOf(run.output)).map(({ id, error }) => [id, error])).toEqual([
      ['a.png', null],
      ['b.png', null],
      ['c/d.png', null],
    ])
    // Another worker of this machine: it asks the bucket for nothing that lies here.
    const again = smallRun(join(folder, 'from-bucket-again'), { model: run.model, images })
    await planRun(again)
    const asked = server.counts.get('GET') ?? 0
    const other = await openRun(again.output, { threads: 1 })
    await computed(other)
    await other.close()
    expect((server.counts.get('GET') ?? 0) - asked).toBe(0)
  })

  it('whose manifest is there reads pictures beside it, and an object that is missing is a row', async () => {
    pictureFile(join(folder, 'one.png'), 3)
    server.objects.set('lists/one.png', readFileSync(join(folder, 'one.png')))
    server.objects.set(
      'lists/list.jsonl',
      Buffer.from('{"id":1,"path":"one.png","label":"Bag"}\n{"id":2,"path":"two.png"}\n'),
    )
    const run = smallRun(address('manifest'), { images: { source: 'manifest', manifest: address('lists/list.jsonl') } })
    await planRun(run)
    const opened = await openRun(run.output, { threads: 1 })
    await computed(opened)
    await opened.close()
    const rows = await rowsOf(run.output)
    expect(rows.map(({ id, label_index: label, error }) => [id, label, error])).toContainEqual(['1', 8, null])
    expect(rows.at(-1)).toMatchObject({ id: '2', error: 'there is no such file' })
  })

  it('is not published in part where the bucket refuses an image, which is no fault of the place', async () => {
    for (const name of ['1', '2', '3', '4']) {
      pictureFile(join(folder, 'refusing', name), Number(name))
      server.objects.set(`refusing/${name}.png`, readFileSync(join(folder, 'refusing', name)))
    }
    const images = { source: 's3', prefix: address('refusing') } as const
    const run = smallRun(join(folder, 'refusing-run'), { images })
    await planRun(run)
    server.refused.add('refusing/4.png')
    const opened = await openRun(run.output, { threads: 1 })
    const refusal = await opened.compute(1).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ImageReadError)
    expect(isOfPlace(refusal)).toBe(false)
    expect(String(refusal)).toMatch(/can't read s3:\/\/results\/refusing\/4.png: the bucket refuses it/)
    expect(await opened.published()).toEqual(new Set())
    expect(await opened.compute(0)).toMatchObject({ published: 'now' })
    await opened.close()
  })

  it('whose whole bucket is gone is the fault of the place', async () => {
    const source = await openImageSource('s3://elsewhere', 'run', new ObjectCache(0))
    const refusal = await source.read({ path: '1.png' }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(StoreError)
    expect(String(refusal)).toContain('there is no such bucket')
  })

  it('that the bucket refuses loses nothing: a later start goes on', async () => {
    const run = smallRun(address('interrupted'))
    await planRun(run)
    const opened = await openRun(run.output, { threads: 1 })
    await opened.compute(0)
    const refusing = opened.compute(1, {
      onProgress: ({ done }) => done === 3 && Object.assign(server, { refuses: true }),
    })
    await expect(refusing).rejects.toThrow("can't write s3://results/interrupted/part-00001")
    server.refuses = false
    expect(await opened.compute(1)).toMatchObject({ published: 'now' })
    expect(await opened.published()).toEqual(new Set([0, 1]))
    await opened.close()
  })
})
