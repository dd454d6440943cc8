/**
 * `npm run bench -- onnx`: how many of the ONNX project's own tests of backends pass (Debian's libonnx-testdata), by operator, and what
 * the others ask for. Nothing is timed.
 *
 *   --write   into docs/models.md, too, in the place of the table there
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'

const { values } = parseArgs({ args: process.argv.slice(3), options: { write: { type: 'boolean', default: false } } })
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const tests = '../test/engine/formats/onnx'
const { backendData } = (await runnerImport(here(`${tests}/backend-cases.ts`))).module
const { backendReport, verdictsInFloat64 } = (await runnerImport(here(`${tests}/backend-report.ts`))).module

const data = backendData()
if (!data) {
  console.error('the tests are not there: apt-get install libonnx-testdata, or LIMELIGHT_ONNX_TESTS=FOLDER')
  process.exit(1)
}
const report = backendReport(await verdictsInFloat64(data))
console.log(report)
if (values.write) {
  const [begin, end] = ['<!-- npm run bench -- onnx --write: from here on -->\n', '\n<!-- to here -->']
  const path = here('../docs/models.md')
  const [before, rest] = readFileSync(path, 'utf8').split(begin)
  writeFileSync(path, `${before}${begin}\n${report}\n${end}${rest.split(end)[1]}`)
}
