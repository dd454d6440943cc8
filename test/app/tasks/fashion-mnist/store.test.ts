import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { DownloadProgress } from '../../../../src/app/data/download.ts'
import { shippedDataFolder } from '../../../../src/app/data/package-files.ts'
import { splitFiles } from '../../../../src/app/tasks/fashion-mnist/files.ts'
import {
  DataUnavailableError,
  loadFashionMnist,
  locateSplit,
  type StoreOptions,
} from '../../../../src/app/tasks/fashion-mnist/store.ts'
import { cacheFolder } from '../../../../src/engine/platform/cache-folder.ts'

// The test split stands for both: it is here without a download, and only `shippedFolder` sets it apart.
const { images, labels } = splitFiles.test
const original: Record<string, Buffer> = {
  [images.name]: await readFile(join(shippedDataFolder(), images.name)),
  [labels.name]: await readFile(join(shippedDataFolder(), labels.name)),
}

let root = ''
let notes: string[] = []
/** A store that finds nothing: empty folders, no mirror. */
let nothing: StoreOptions & { folder: string; debianFolder: string; shippedFolder: string }

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'limelight-store-'))
  notes = []
  nothing = {
    folder: join(root, 'cache'),
    debianFolder: join(root, 'debian'),
    shippedFolder: join(root, 'shipped'),
    mirrors: [],
    onNote: (note) => notes.push(note),
  }
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function fill(folder: string, files: Record<string, Uint8Array> = original): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
}

/** A mirror on this machine; `requests` are the paths asked for. */
async function serve(answer: RequestListener): Promise<{ mirror: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { mirror: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data/`, requests }
}

const whole: RequestListener = (request, response) => {
  const bytes = original[(request.url ?? '').replace('/data/', '')]
  response.writeHead(bytes ? 200 : 404, { 'content-length': bytes?.length ?? 0 }).end(bytes)
}

const refusalOf = (options: StoreOptions) =>
  loadFashionMnist('test', options).then(
    () => 'it was loaded',
    (error: unknown) => error,
  )

describe('the order of the sources', () => {
  const sources = async (options: StoreOptions) => (await locateSplit('test', options)).map(({ source }) => source)

  it("is the package's own copy, the cache, Debian's folder, the web", async () => {
    const { mirror, requests } = await serve(whole)
    const options = { ...nothing, mirrors: [mirror] }
    await fill(nothing.debianFolder)
    expect(await sources(options)).toEqual(['debian', 'debian'])
    await fill(nothing.folder)
    expect(await sources(options)).toEqual(['cache', 'cache'])
    await fill(nothing.shippedFolder)
    expect(await sources(options)).toEqual(['shipped', 'shipped'])
    expect(requests).toEqual([])
    for (const folder of [nothing.shippedFolder, nothing.debianFolder, nothing.folder])
      await rm(folder, { recursive: true })
    expect(await sources(options)).toEqual(['download', 'download'])
    expect(await sources(options)).toEqual(['cache', 'cache'])
  })

  it('is kept file by file', async () => {
    await fill(nothing.folder, { [images.name]: original[images.name] })
    await fill(nothing.debianFolder)
    expect(await sources(nothing)).toEqual(['cache', 'debian'])
  })

  it('without any option finds the test split that ships', async () => {
    const [found] = await locateSplit('test')
    expect(found.location).toBe(join(shippedDataFolder(), images.name))
  })

  it('does not look for the training files among the shipped ones', async () => {
    const refusal = await loadFashionMnist('train', nothing).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(DataUnavailableError)
    expect(String(refusal)).not.toContain(nothing.shippedFolder)
  })
})

it("a copy packed by another gzip is as good: Debian's headers differ from upstream's", async () => {
  const repacked = gzipSync((await locateSplit('test'))[1].content, { level: 1 })
  expect(repacked.equals(original[labels.name])).toBe(false)
  await fill(nothing.debianFolder, { ...original, [labels.name]: repacked })
  expect((await loadFashionMnist('test', nothing)).count).toBe(10_000)
})

describe('a download', () => {
  it('is verified, kept in the cache as it came, and told of as it goes', async () => {
    const { mirror, requests } = await serve(whole)
    const progress: DownloadProgress[] = []
    const set = await loadFashionMnist('test', { ...nothing, mirrors: [mirror], onProgress: (p) => progress.push(p) })
    expect(set.count).toBe(10_000)
    expect(requests).toEqual([`/data/${images.name}`, `/data/${labels.name}`])
    expect((await readdir(nothing.folder)).sort()).toEqual([images.name, labels.name])
    for (const [name, bytes] of Object.entries(original)) {
      expect((await readFile(join(nothing.folder, name))).equals(bytes), name).toBe(true)
      const own = progress.filter(({ file }) => file === name)
      expect(own[0]).toEqual({ file: name, received: 0, total: bytes.length })
      expect(own.at(-1)).toEqual({ file: name, received: bytes.length, total: bytes.length })
      const received = own.map((p) => p.received)
      expect(received).toEqual([...received].sort((a, b) => a - b))
    }
    expect(notes).toEqual([])
  })

  it('of something else is not kept, and the next mirror is asked', async () => {
    const wrong = await serve((_, response) => response.end(gzipSync('something else')))
    const right = await serve(whole)
    expect(await refusalOf({ ...nothing, mirrors: [wrong.mirror] })).toMatchObject({
      name: 'DataUnavailableError',
      attempts: [{}, {}, {}, { location: `${wrong.mirror}${images.name}`, reason: expect.stringContaining('SHA-256') }],
    })
    await expect(readdir(nothing.folder)).rejects.toThrow('ENOENT')
    const [found] = await locateSplit('test', { ...nothing, mirrors: [wrong.mirror, right.mirror] })
    expect(found.location).toBe(`${right.mirror}${images.name}`)
  })

  it('that breaks off midway leaves no data, and the next call works', async () => {
    let breaks = true
    const { mirror } = await serve((request, response) => {
      if (!breaks) return whole(request, response)
      response.writeHead(200, { 'content-length': original[images.name].length })
      response.write(original[images.name].subarray(0, 1_000_000), () => response.destroy())
    })
    const options = { ...nothing, mirrors: [mirror] }
    const refusal = await refusalOf(options)
    expect(refusal).toBeInstanceOf(DataUnavailableError)
    expect(String(refusal)).toContain('terminated')
    await expect(readdir(nothing.folder)).rejects.toThrow('ENOENT')
    breaks = false
    expect((await loadFashionMnist('test', options)).count).toBe(10_000)
  })

  it('that ends early without saying so (no length given) is no data either', async () => {
    const { mirror } = await serve((_, response) => response.end(original[images.name].subarray(0, 1_000_000)))
    expect(String(await refusalOf({ ...nothing, mirrors: [mirror] }))).toContain('truncated or corrupt')
    await expect(readdir(nothing.folder)).rejects.toThrow('ENOENT')
  })

  it('that never ends is left off', async () => {
    const { mirror } = await serve((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(1 << 16)));
      }
      response.on('drain', more)
      more()
    })
    expect(String(await refusalOf({ ...nothing, mirrors: [mirror] }))).toContain('sends more than the 7840016 bytes')
  })

  it('that stalls, before or after its first bytes, is given up for the next mirror', async () => {
    const silent = await serve(() => {})
    const stuck = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('some')
    })
    const { mirror } = await serve(whole)
    const stalled = { ...nothing, mirrors: [silent.mirror, stuck.mirror], stallMs: 100 }
    expect(String(await refusalOf(stalled)).match(/nothing came for 0\.1 seconds/g)).toHaveLength(2)
    const [found] = await locateSplit('test', { ...stalled, stallMs: 2000, mirrors: [stuck.mirror, mirror] })
    expect(found.location).toBe(`${mirror}${images.name}`)
  })

  it('stops when aborted, before, while waiting and midway, with the reason given, and the next call works', async () => {
    const silent = await serve(() => {})
    const { mirror } = await serve(whole)
    const reason = new Error('enough')
    expect(await refusalOf({ ...nothing, mirrors: [mirror], signal: AbortSignal.abort(reason) })).toBe(reason)

    const waiting = new AbortController()
    const pending = refusalOf({ ...nothing, mirrors: [silent.mirror, mirror], signal: waiting.signal })
    await expect.poll(() => silent.requests.length).toBe(1)
    waiting.abort(reason)
    expect(await pending).toBe(reason)

    const midway = new AbortController()
    const onProgress = ({ received }: DownloadProgress) => {
      if (received > 0) midway.abort(reason)
    }
    expect(await refusalOf({ ...nothing, mirrors: [mirror], signal: midway.signal, onProgress })).toBe(reason)
    await expect(readdir(nothing.folder)).rejects.toThrow('ENOENT')
    expect((await loadFashionMnist('test', { ...nothing, mirrors: [mirror] })).count).toBe(10_000)
  })

  it('by several at once leaves whole files', async () => {
    const { mirror } = await serve(whole)
    const options = { ...nothing, mirrors: [mirror] }
    const sets = await Promise.all([1, 2, 3, 4].map(() => loadFashionMnist('test', options)))
    expect(sets.map(({ count }) => count)).toEqual([10_000, 10_000, 10_000, 10_000])
    expect((await readdir(nothing.folder)).sort()).toEqual([images.name, labels.name])
    expect((await locateSplit('test', nothing)).map(({ source }) => source)).toEqual(['cache', 'cache'])
  })
})

describe('a damaged cache file', () => {
  const damaged = { ...original, [images.name]: original[images.name].subarray(0, 99_999) }

  it('is replaced from where a good one is, and said to be', async () => {
    await fill(nothing.folder, damaged)
    await fill(nothing.debianFolder)
    const [found] = await locateSplit('test', nothing)
    expect(found.source).toBe('debian')
    expect(notes).toEqual([expect.stringContaining(`${join(nothing.folder, images.name)} is damaged`)])
    expect((await readFile(join(nothing.folder, images.name))).equals(original[images.name])).toBe(true)
    expect((await locateSplit('test', nothing))[0].source).toBe('cache')
    expect(notes).toHaveLength(1)
  })

  it('is replaced by a download', async () => {
    await fill(nothing.folder, damaged)
    const { mirror, requests } = await serve(whole)
    expect((await locateSplit('test', { ...nothing, mirrors: [mirror] })).map(({ source }) => source)).toEqual([
      'download',
      'cache',
    ])
    expect(requests).toEqual([`/data/${images.name}`])
  })

  it('is left where there is no other, and named in the error', async () => {
    await fill(nothing.folder, damaged)
    expect(await refusalOf(nothing)).toMatchObject({
      attempts: [{}, { reason: expect.stringContaining('truncated or corrupt') }, { reason: 'not there' }],
    })
    expect((await readFile(join(nothing.folder, images.name))).length).toBe(99_999)
  })
})

it('where the cache folder cannot be made, the data is used from memory and the user told', async () => {
  const { mirror } = await serve(whole)
  await writeFile(join(root, 'a file'), '')
  const folder = join(root, 'a file', 'cache')
  expect((await loadFashionMnist('test', { ...nothing, folder, mirrors: [mirror] })).count).toBe(10_000)
  expect(notes).toHaveLength(2)
  expect(notes[0]).toMatch(/used from memory this time.*can't write .*a part of this path is a file/)
})

it('when every source fails, the error lists each with its reason and says what to do', async () => {
  const { mirror } = await serve((_, response) => response.writeHead(404).end())
  const refusal = await refusalOf({ ...nothing, mirrors: [mirror, 'http://127.0.0.1:1/'] })
  expect(refusal).toBeInstanceOf(DataUnavailableError)
  const { message, file, attempts } = refusal as DataUnavailableError
  expect(file).toBe(images.name)
  expect(attempts.map(({ location }) => location)).toEqual([
    join(nothing.shippedFolder, images.name),
    join(nothing.folder, images.name),
    join(nothing.debianFolder, images.name),
    `${mirror}${images.name}`,
    `http://127.0.0.1:1/${images.name}`,
  ])
  expect(attempts.slice(0, 4).map(({ reason }) => reason)).toEqual([
    'not there',
    'not there',
    'not there',
    'the server answers 404 Not Found',
  ])
  expect(attempts[4].reason).toContain('fetch failed (')
  for (const { location, reason } of attempts) expect(message).toContain(`  ${location}: ${reason}\n`)
  for (const remedy of [
    'npm run data',
    'apt-get install dataset-fashion-mnist',
    `the four files into ${nothing.folder}`,
  ])
    expect(message).toContain(remedy)
})

it('the cache folder is LIMELIGHT_DATA, else in XDG_CACHE_HOME, else in ~/.cache', () => {
  expect(cacheFolder({ LIMELIGHT_DATA: '/somewhere/else', XDG_CACHE_HOME: '/caches' })).toBe('/somewhere/else')
  expect(cacheFolder({ LIMELIGHT_DATA: '', XDG_CACHE_HOME: '/caches' })).toBe('/caches/limelight')
  expect(cacheFolder({ XDG_CACHE_HOME: 'relative' })).toMatch(/[\\/]\.cache[\\/]limelight$/)
  expect(cacheFolder({})).toBe(cacheFolder({ XDG_CACHE_HOME: '' }))
})
