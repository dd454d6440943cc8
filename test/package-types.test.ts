import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ops } from '../src/engine/ops/public.ts'

/** The package's types in somebody else's program, which need not know a browser's. */

const root = resolve(import.meta.dirname, '..')
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const folder = mkdtempSync(join(tmpdir(), 'limelight-types-'))

const program = `
import { adam, conv2d, dense, type Device, flatten, loadModel, ops, openDevice, Sequential, sequential } from 'limelight'
import { Explanation, felzenszwalb, LimeImageExplainer, type SegmentationFn } from 'limelight/lime'

export async function explained(pixels: Float64Array, signal?: Parameters<typeof ended>[0]): Promise<Explanation> {
  const device: Device = await openDevice('auto')
  const model = sequential({ inputShape: [28, 28, 1] }, [conv2d({ filters: 1, kernelSize: 3 }), flatten(), dense({ units: 2, activation: 'softmax' })])
  await model.compile({ device, optimizer: adam() })
  const other = await loadModel(new Uint8Array())
  const segmentationFn: SegmentationFn = (image, context) => felzenszwalb()(image, { ...context })
  const explainer = new LimeImageExplainer({ randomState: 1 })
  // @ts-expect-error: there is no such option, and the types are there to say so
  await explainer.explainInstance({ data: pixels, shape: [28, 28] }, other, { numberOfSamples: 3 })
  return explainer.explainInstance({ data: pixels, shape: [28, 28] }, model, { segmentationFn, signal, numSamples: 'exact' })
}

export function ended(signal: NonNullable<NonNullable<Parameters<LimeImageExplainer['explainInstance']>[2]>['signal']>): boolean {
  return signal.aborted
}

export const again = (model: Sequential) => new Sequential({ inputShape: [28, 28, 1] }, model.descriptions)
// @ts-expect-error: a model makes its network itself
export const wrong = (model: Sequential) => new Sequential({ inputShape: [28, 28, 1] }, model.descriptions, model.network)

export const doubled = ops.mul
`

beforeAll(() => {
  const installed = join(folder, 'node_modules/limelight')
  mkdirSync(installed, { recursive: true })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  execFileSync(process.execPath, [tsc, '--project', 'tsconfig.types.json', '--outDir', join(installed, 'dist/types')], {
    cwd: root,
  })
  symlinkSync(join(root, 'node_modules/valibot'), join(folder, 'node_modules/valibot'))
  mkdirSync(join(folder, 'node_modules/@webgpu'))
  symlinkSync(join(root, 'node_modules/@webgpu/types'), join(folder, 'node_modules/@webgpu/types'))
  writeFileSync(join(folder, 'program.ts'), program)
  // Theirs hold for a browser's types only.
  writeFileSync(join(folder, 'browser.ts'), `${program}\nexport const stopped = ended(new AbortController().signal)\n`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('say of every operation what it does', () => {
  const declarations = join(folder, 'node_modules/limelight/dist/types/engine/ops')
  const written = readdirSync(declarations).map((file) => readFileSync(join(declarations, file), 'utf8'))
  // Documentation stays with the declarations that a type is made of; constants of another's type have none.
  expect(readFileSync(join(declarations, 'public.d.ts'), 'utf8')).toContain(
    'export declare const ops: typeof operations;',
  )
  const undocumented = Object.keys(ops).filter((name) => {
    const declared = new RegExp(`\\*/\\nexport declare (const|function) ${name}\\b`)
    return !written.some((text) => declared.test(text))
  })
  expect(undocumented).toEqual([])
})

/** What tsc says; nothing where the program compiles. */
function compile(file: string, options: object): string {
  const config = join(folder, 'tsconfig.json')
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: false,
    noEmit: true,
    types: [],
    ...options,
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(config, JSON.stringify({ compilerOptions, files: [file] }))
  try {
    execFileSync(process.execPath, [tsc, '--project', config], { encoding: 'utf8' })
    return ''
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)
  }
}

it.each([
  ["without the browser's types", 'program.ts', { lib: ['ES2022'] }],
  ["without the browser's types, libraries looked into", 'program.ts', { lib: ['ES2022'], skipLibCheck: false }],
  [
    "with @webgpu/types, without the browser's",
    'program.ts',
    { lib: ['ES2022'], types: ['@webgpu/types'], skipLibCheck: true },
  ],
  ["with the browser's types", 'browser.ts', { lib: ['ES2022', 'DOM'], skipLibCheck: false }],
  ["with the browser's types and @webgpu/types", 'browser.ts', { lib: ['ES2022', 'DOM'], types: ['@webgpu/types'] }],
])('compile %s', (_name, file, options) => {
  expect(compile(file, { skipLibCheck: true, ...options })).toBe('')
})
