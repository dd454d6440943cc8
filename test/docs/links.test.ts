import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/** What the papers point at is there. */

const root = resolve(import.meta.dirname, '../..')
const papers = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
const textOf = (paper: string) => readFileSync(join(root, paper), 'utf8')

interface Link {
  readonly address: string
  /** After #, without it. */
  readonly heading: string
}

/** A paper's links and pictures into this repository. */
function linksOf(paper: string): Link[] {
  const found = [...textOf(paper).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)]
  return found
    .map(([, link, picture]) => link ?? picture)
    .filter((address) => !/^[a-z]+:/.test(address))
    .map((address) => {
      const [path, heading = ''] = address.split('#')
      return { address: path === '' ? paper : join(dirname(paper), path), heading }
    })
}

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

describe.each(papers)('%s', (paper) => {
  it('links to files and headings that are there', () => {
    for (const { address, heading } of linksOf(paper)) {
      expect(existsSync(join(root, address)), `${paper} links to ${address}`).toBe(true)
      if (heading === '') continue
      const headings = [...textOf(address).matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchorOf(title))
      expect(headings, `${paper} links to ${address}#${heading}`).toContain(heading)
    }
  })
})

it('README is short enough to be read', () => {
  expect(textOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(120)
})

const walks = [...textOf('docs/architecture.md').matchAll(/^- \*\*(.+?)\*\*.*?: (\[.*\)): `(.+)`$/gm)].map(
  ([, question, steps, code]) => ({ question, steps: steps.split(' → '), code }),
)

it.each(walks)('a stranger finds $question in at most three steps', ({ steps, code }) => {
  expect(steps.length).toBeLessThanOrEqual(3)
  const addresses = steps.map((step) => join('docs', /\]\((.+)\)$/.exec(step)?.[1] ?? ''))
  // Each step is an entry of the folder before it.
  for (const [i, address] of addresses.entries()) if (i > 0) expect(dirname(address)).toBe(addresses[i - 1])
  expect(readFileSync(join(root, addresses.at(-1) ?? ''), 'utf8')).toContain(code)
})

it('the walks are those that were asked for', () => {
  expect(new Set(walks.map(({ question }) => question)).size).toBe(4)
})
