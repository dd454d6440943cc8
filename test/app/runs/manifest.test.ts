import { constants } from 'node:buffer'
import { expect, test } from 'vitest'
import { imagesOfManifest } from '../../../src/app/runs/manifest.ts'
import { FormatError } from '../../../src/engine/errors.ts'

const csv = (...lines: readonly string[]) => imagesOfManifest('list.csv', Buffer.from(lines.join('\r\n')))
const jsonl = (...lines: readonly string[]) => imagesOfManifest('list.jsonl', Buffer.from(lines.join('\n')))

test('CSV has quotes, commas, line ends and umlauts in its values, columns in any order and others beside them', async () => {
  const images = await csv(
    'path,label,note,id',
    '"a, b/c ""d"".png",Sneaker,"two',
    'lines",1',
    'ü.png,,,2',
    './x//y.jpg,7,,3',
  )
  expect(images).toEqual([
    { id: '1', path: 'a, b/c "d".png', label: 'Sneaker' },
    { id: '2', path: 'ü.png' },
    { id: '3', path: 'x/y.jpg', label: '7' },
  ])
})

test('JSON lines say the same, with numbers for ids and labels', async () => {
  const images = await jsonl('{"id": 1, "path": "a.png", "label": 7}', '', '{"id":"b","path":"b.png","label":null}', '')
  expect(images).toEqual([
    { id: '1', path: 'a.png', label: '7' },
    { id: 'b', path: 'b.png' },
  ])
})

test.each([
  '/etc/passwd',
  '../secret.png',
  'a/../../secret.png',
  'C:\\secret.png',
  'file:///etc/passwd',
  's3://other/x.png',
])('the path %s, which leads out of the folder, is refused with its line', async (path) => {
  const of = [
    csv('id,path', '1,a.png', `2,"${path}"`),
    jsonl('{"id":1,"path":"a.png"}', '', JSON.stringify({ id: 2, path })),
  ]
  for (const made of of) {
    const refusal = await made.catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(FormatError)
    expect(String(refusal)).toMatch(
      /^FormatError: list\.(csv|jsonl): line 3: it names the file .*expected one in its own folder$/,
    )
  }
})

test.each([
  [
    'an id that is given twice',
    () => csv('id,path', '1,a.png', '2,b.png', '1,c.png'),
    'list.csv: line 4: the id "1" was given in line 2',
  ],
  ['a line of too few values', () => csv('id,path', '1'), 'list.csv: Invalid Record Length'],
  ['a quote that does not end', () => csv('id,path', '1,"a.png'), 'list.csv: Quote Not Closed'],
  ['a list without paths', () => csv('id,file', '1,a.png'), 'list.csv: line 2 has no "path"'],
  ['an empty id', () => csv('id,path', ',a.png'), 'list.csv: line 2: id is ""; expected a text or a number'],
  ['what is no JSON', () => jsonl('{"id":1,"path":"a.png"}', '{'), 'list.jsonl: line 2: it is not JSON'],
  ['what is no list', () => jsonl('[1]'), 'list.jsonl: line 1 has no "id"'],
  [
    'a file of another kind',
    () => imagesOfManifest('list.txt', Buffer.from('')),
    'list.txt: a manifest is a file that ends in',
  ],
  [
    'bytes that are no text',
    () => imagesOfManifest('list.csv', Uint8Array.of(0xff, 0xfe)),
    'list.csv: it is not UTF-8',
  ],
])('%s is refused', async (_, made, message) => {
  await expect(made()).rejects.toThrow(message)
})

test('a list of many rows is read in pieces, wherever these end', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => ({
    id: `ü${i}`,
    path: `größe/${i}.png`,
    label: 'Ärmel, "lang"',
  }))
  expect(await csv('id,path,label', ...rows.map(({ id, path }) => `${id},${path},"Ärmel, ""lang"""`))).toEqual(rows)
  expect(await jsonl(...rows.map((row) => JSON.stringify(row)))).toEqual(rows)
  const again = csv('id,path', ...rows.map(({ id, path }) => `${id},${path}`), 'ü9,a.png')
  await expect(again).rejects.toThrow('list.csv: line 20002: the id "ü9" was given in line 11')
})

test('a mark of the byte order before a list is no part of it', async () => {
  expect(await csv('\ufeffid,path', '1,a.png')).toEqual([{ id: '1', path: 'a.png' }])
  expect(await jsonl('\ufeff{"id":1,"path":"a.png"}')).toEqual([{ id: '1', path: 'a.png' }])
})

test('a list longer than the longest text is read', async () => {
  // Of few lines, so that it is read soon: what fills them is in another column.
  const line = Buffer.from(`{"id":"000","path":"a.png","note":"${'x'.repeat(2 ** 22)}"}\n`)
  const count = Math.ceil(constants.MAX_STRING_LENGTH / line.length) + 1
  const ids = Array.from({ length: count }, (_, i) => String(i).padStart(3, '0'))
  const bytes = Buffer.alloc(count * line.length)
  ids.forEach((id, i) => {
    line.write(id, 7)
    line.copy(bytes, i * line.length)
  })
  expect(await imagesOfManifest('list.jsonl', bytes)).toEqual(ids.map((id) => ({ id, path: 'a.png' })))
})
