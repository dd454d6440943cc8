import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { beforeAll, expect, test } from 'vitest'
import { FolderStore } from '../../../src/app/runs/folder-store.ts'
import { contentOf } from '../../../src/app/runs/store.ts'
import { FileWriteError } from '../../../src/engine/platform/atomic-write.ts'
import { root, useFolder } from './small-run.ts'

const folder = useFolder()

/** A process that publishes files as soon as it is told to, and prints which of them it was that did. */
const publisher = `
  import { FolderStore } from '${root}src/app/runs/folder-store.ts'
  const [folder, own, names, size] = process.argv.slice(2)
  const store = new FolderStore(folder)
  process.stdout.write('ready\\n')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  const content = Buffer.alloc(Number(size), own)
  for (const name of names.split(',')) if (await store.publish(name, content)) process.stdout.write(name + '\\n')
  process.exit()`

/** As a file that Node 20 runs. */
const script = join(folder, 'publisher.mjs')
beforeAll(async () => {
  writeFileSync(join(folder, 'publisher.ts'), publisher)
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(folder, 'publisher.ts'),
      outDir: folder,
      emptyOutDir: false,
      target: 'es2022',
      rolldownOptions: { output: { entryFileNames: 'publisher.mjs' } },
    },
  })
})

function start(output: string, own: string, names: readonly string[], size = 100_000) {
  return spawn(process.execPath, [script, output, own, names.join(), String(size)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

test('of processes that publish the same names at once each name is published by one, and holds what that one wrote', async () => {
  const output = join(folder, 'race')
  const names = Array.from({ length: 50 }, (_, i) => `part-${i}`)
  const owners = ['a', 'b', 'c']
  const running = owners.map((own) => start(output, own, names))
  const printed = running.map(() => '')
  await Promise.all(running.map(({ stdout }) => once(stdout, 'data')))
  const ended = running.map((child, i) => {
    child.stdout.on('data', (part) => {
      printed[i] += part
    })
    return once(child, 'close')
  })
  for (const { stdin } of running) stdin.write('go\n')
  await Promise.all(ended)
  const published = printed.map((text) => text.split('\n').filter((line) => line !== ''))
  expect(published.flat().sort()).toEqual([...names].sort())
  published.forEach((own, i) => {
    for (const name of own) expect(readFileSync(join(output, name), 'utf8')).toBe(owners[i].repeat(100_000))
  })
  expect(readdirSync(output).sort()).toEqual([...names].sort())
})

test('a process that is killed while it publishes leaves no half file, and what it left is tidied', async () => {
  const output = join(folder, 'killed')
  const size = 3_000_000
  const names = Array.from({ length: 400 }, (_, i) => `part-${i}`)
  for (const delay of [30, 90, 150]) {
    const child = start(output, 'x', names, size)
    await once(child.stdout, 'data')
    const ended = once(child, 'close')
    child.stdin.write('go\n')
    await new Promise((resolve) => setTimeout(resolve, delay))
    child.kill('SIGKILL')
    await ended
  }
  const store = new FolderStore(output)
  const whole = Buffer.alloc(size, 'x')
  const published = await store.list('part-')
  for (const name of published) expect(whole.equals((await contentOf(store, name)) ?? Buffer.alloc(0)), name).toBe(true)
  await store.tidy('part-')
  expect(readdirSync(output).sort()).toEqual([...published].sort())
  expect(await store.publish('part-399', whole)).toBe(!published.includes('part-399'))
})

test('what is there is never replaced, and a file that is not there is null', async () => {
  const store = new FolderStore(join(folder, 'kept'))
  expect(await store.list('')).toEqual([])
  expect(await store.open('a')).toBe(null)
  expect(await store.publish('a', Buffer.from('first'))).toBe(true)
  expect(await store.publish('a', Buffer.from('second'))).toBe(false)
  const file = await store.open('a')
  expect(new TextDecoder().decode(await file?.slice(1, 3))).toBe('ir')
})

/** A disk of 64 KiB, where this process may make one. */
function smallDisk(path: string): boolean {
  try {
    mkdirSync(path)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('on a full disk nothing is left, it is said, and once there is room publishing goes on', async ({ skip }) => {
  const disk = join(folder, 'disk')
  if (!smallDisk(disk)) return skip('only root can mount a disk that is full')
  try {
    const store = new FolderStore(disk)
    writeFileSync(join(disk, 'filler'), Buffer.alloc(40_000))
    const shard = Buffer.alloc(40_000, 'x')
    await expect(store.publish('part-0', shard)).rejects.toThrow(
      new RegExp(`^can't write ${disk}/part-0: the disk is full$`),
    )
    await expect(store.publish('part-0', shard)).rejects.toBeInstanceOf(FileWriteError)
    expect(readdirSync(disk)).toEqual(['filler'])
    rmSync(join(disk, 'filler'))
    expect(await store.publish('part-0', shard)).toBe(true)
  } finally {
    execFileSync('umount', [disk])
  }
})
