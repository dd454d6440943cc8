import { readFileSync } from 'node:fs'
import { runnerImport } from 'vite'
import { expect, it } from 'vitest'

interface Drawing {
  readonly pictures: Readonly<Record<string, object>>
  draw(picture: object): string
}

const docs = new URL('../../docs/', import.meta.url)

it('the pictures of the architecture are those that the script draws, of files that are there', async () => {
  const { module } = await runnerImport<Drawing>(new URL('architecture-pictures.mjs', docs).pathname)
  expect(Object.keys(module.pictures)).toHaveLength(2)
  for (const [name, picture] of Object.entries(module.pictures))
    expect(readFileSync(new URL(name, docs), 'utf8')).toBe(module.draw(picture))
})
