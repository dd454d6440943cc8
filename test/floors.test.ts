import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** What `npm run lint` says to files that are written into an empty copy of the project, which has its rules only. */

const root = fileURLToPath(new URL('..', import.meta.url))
let copy: string
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'limelight-floors-'))
  for (const name of ['biome.jsonc', 'floors.jsonc', '.gitignore']) await cp(join(root, name), join(copy, name))
})
afterAll(() => rm(copy, { recursive: true, force: true }))

/** The files, of those given by name and content, that break a rule of imports. */
async function refused(files: Readonly<Record<string, string>>, rule: string): Promise<string[]> {
  await rm(join(copy, 'src'), { recursive: true, force: true })
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(copy, name)), { recursive: true })
    await writeFile(join(copy, name), content)
  }
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const words = ['lint', '--reporter=github', '--max-diagnostics=none', `--only=${rule}`]
  let said = ''
  try {
    said = execFileSync(process.execPath, [biome, ...words], { cwd: copy, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) said = String(error.stdout)
    else throw error
  }
  return Object.keys(files).filter((name) => said.includes(`${rule},file=${join(copy, name)},`))
}

const upward = 'lint/style/noRestrictedImports'
const circle = 'lint/suspicious/noImportCycles'

const importing = (file: string, imported: string) =>
  `import { it } from '${relative(dirname(file), imported).replace(/^(?!\.)/, './')}'\nexport const same = it\n`

test('an import that points up is refused on every floor, one that points down is not', async () => {
  const pairs = [
    ['src/engine/platform/files.ts', 'src/engine/updates/adam.ts'],
    ['src/engine/updates/nadam.ts', 'src/engine/ops/conv2d.ts'],
    ['src/engine/ops/sort.ts', 'src/engine/plan/plan.ts'],
    ['src/engine/plan/passes/fold.ts', 'src/engine/device.ts'],
    ['src/engine/device.ts', 'src/engine/cpu/device.ts'],
    ['src/engine/reference/loops.ts', 'src/engine/open-device.ts'],
    ['src/engine/model/layers/dense.ts', 'src/engine/training/losses.ts'],
    ['src/engine/formats/onnx/read.ts', 'src/engine/index.ts'],
    ['src/lime/images/resize.ts', 'src/lime/segmenters/grid.ts'],
    ['src/lime/segmenters/own.ts', 'src/lime/samples/sampling.ts'],
    ['src/lime/samples/pairs.ts', 'src/lime/fit/ridge.ts'],
    ['src/lime/fit/lasso.ts', 'src/lime/explanation/explanation.ts'],
    ['src/lime/explanation/maps.ts', 'src/lime/explainers/lime.ts'],
    ['src/lime/explainers/occlusion.ts', 'src/lime/index.ts'],
    ['src/app/tasks/photographs.ts', 'src/app/batch/result-file.ts'],
    ['src/app/tasks/photographs.ts', 'src/app/photographs/framing.ts'],
    ['src/app/photographs/framing.ts', 'src/app/batch/queue.ts'],
    ['src/app/pictures/decode-tiff.ts', 'src/app/batch/queue.ts'],
    ['src/app/catalogue/mirrors.ts', 'src/app/inputs/model-file.ts'],
    ['src/app/inputs/model-file.ts', 'src/app/batch/run-settings.ts'],
    ['src/app/batch/queue.ts', 'src/app/runs/open-run.ts'],
    ['src/app/runs/open-run.ts', 'src/app/cli/options.ts'],
    ['src/app/pictures/crop.ts', 'src/app/page/worker/queue.ts'],
    ['src/app/page/contract/words.ts', 'src/app/page/worker/runs.ts'],
    ['src/app/page/worker/queue.ts', 'src/app/page/parts/notice.tsx'],
    ['src/app/page/parts/slider.tsx', 'src/app/page/pictures/picture.ts'],
    ['src/app/page/pictures/crop.tsx', 'src/app/page/places/use-place.ts'],
    ['src/app/page/places/bookmarks.ts', 'src/app/page/judge/judge-view.tsx'],
    ['src/app/page/pictures/pen.ts', 'src/app/page/segments/parts.ts'],
    ['src/app/page/segments/paint.ts', 'src/app/page/explain/explain-view.tsx'],
    ['src/app/page/judge/table.tsx', 'src/app/page/app.tsx'],
  ]
  const up = Object.fromEntries(pairs.map(([low, high]) => [low, importing(low, high)]))
  expect(await refused(up, upward)).toEqual(Object.keys(up))
  const down = Object.fromEntries(pairs.map(([low, high]) => [high, importing(high, low)]))
  expect(await refused(down, upward)).toEqual([])
})

test('neighbours on one floor keep apart', async () => {
  const files = Object.fromEntries(
    [
      ['src/engine/webgpu/sort.ts', 'src/engine/cpu/kernels/sort.ts'],
      ['src/engine/cpu/kernels/sort.ts', 'src/engine/reference/device.ts'],
      ['src/engine/model/layers/dense.ts', 'src/engine/cpu/device.ts'],
      ['src/engine/training/schedules.ts', 'src/lime/abort.ts'],
      ['src/app/cli/plan.ts', 'src/app/page/contract/engine-api.ts'],
      ['src/app/page/contract/words.ts', 'src/app/cli/plan.ts'],
    ].map(([one, other]) => [one, importing(one, other)]),
  )
  expect(await refused(files, upward)).toEqual(Object.keys(files))
})

test('LIME takes nothing from the engine that has to do with tensors', async () => {
  const files = Object.fromEntries(
    [
      'tensor.ts',
      'ops/conv2d.ts',
      'model/sequential.ts',
      'index.ts',
      'errors.ts',
      'platform/yield.ts',
      'wasm/emitter.ts',
      'wasm/instructions.ts',
    ].map((name, at) => [
      `src/lime/explainers/own-${at}.ts`,
      importing('src/lime/explainers/own.ts', `src/engine/${name}`),
    ]),
  )
  expect(await refused(files, upward)).toEqual([0, 1, 2, 3].map((at) => `src/lime/explainers/own-${at}.ts`))
})

test('all ways to import are seen: of types, anew exported, of a text, later', async () => {
  const lines = [
    "import type { Plan } from '../plan/plan.ts'\nexport const of = (plan: Plan) => plan",
    "export * from '../plan/plan.ts'",
    "export type { Plan } from '../plan/plan.ts'",
    "import text from '../plan/plan.ts?raw'\nexport const same = text",
    "export const later = () => import('../plan/plan.ts')",
  ]
  const files = Object.fromEntries(lines.map((line, at) => [`src/engine/ops/own-${at}.ts`, `${line}\n`]))
  expect(await refused(files, upward)).toEqual(Object.keys(files))
})

test('a circle is refused, of types too', async () => {
  const files = {
    'src/lime/fit/one.ts': "import { two } from './two.ts'\nexport const one = () => two()\n",
    'src/lime/fit/two.ts': "import { one } from './one.ts'\nexport const two = () => one()\n",
    'src/lime/fit/shape.ts': "import type { Size } from './size.ts'\nexport type Shape = Size[]\n",
    'src/lime/fit/size.ts': "import type { Shape } from './shape.ts'\nexport interface Size {\n  of: Shape\n}\n",
    'src/lime/fit/three.ts': "import { one } from './one.ts'\nexport const three = one\n",
  }
  expect(await refused(files, circle)).toEqual(Object.keys(files).slice(0, 4))
})

test('every folder is on a floor', async () => {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  const holdsCode = (name: string) => /\.tsx?$/.test(name)
  const folders = new Set(
    entries.filter((entry) => entry.isFile() && holdsCode(entry.name)).map((entry) => relative(root, entry.parentPath)),
  )
  // The files at these places are on different floors.
  for (const mixed of ['src/engine', 'src/lime', 'src/app/page']) folders.delete(mixed)
  const files = Object.fromEntries(
    [...folders].map((folder) => {
      const file = `${folder}/stray.ts`
      const above = folder.startsWith('src/app/page/') ? 'src/app/page/app.tsx' : 'src/app/page/contract/engine-api.ts'
      return [file, importing(file, above)]
    }),
  )
  expect(await refused(files, upward)).toEqual(Object.keys(files))
})
