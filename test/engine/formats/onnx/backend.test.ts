import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { CpuDevice } from '../../../../src/engine/cpu/device.ts'
import { backendData, beyondFloat32, deviations, onProcessor, runCase } from './backend-cases.ts'
import { backendReport, type Verdicts, verdictsInFloat64 } from './backend-report.ts'

const data = backendData()
const isAsked = data !== undefined || process.env.LIMELIGHT_ONNX_TESTS !== undefined

describe.skipIf(!isAsked)(
  "ONNX's own tests of backends (skipped where Debian's libonnx-testdata is not installed and LIMELIGHT_ONNX_TESTS is not set)",
  () => {
    let verdicts: Verdicts

    beforeAll(async () => {
      verdicts = await verdictsInFloat64(data ?? missing())
    })

    const missing = (): never => {
      throw new Error(`LIMELIGHT_ONNX_TESTS is ${process.env.LIMELIGHT_ONNX_TESTS}, which has no tests of ONNX`)
    }

    const failures = () =>
      [...verdicts].flatMap(([{ name }, verdict]) => (verdict.outcome === 'failed' ? [`${name}: ${verdict.why}`] : []))

    it('pass in all cases of operators that are supported, but for those that the documentation names', () => {
      expect(failures().filter((failure) => !deviations.has(failure.split(':')[0]))).toEqual([])
      expect(failures()).toHaveLength(deviations.size)
    })

    it('pass as often as docs/models.md says (npm run bench -- onnx --write writes it anew)', () => {
      const documentation = readFileSync(new URL('../../../../docs/models.md', import.meta.url), 'utf8')
      expect(documentation).toContain(backendReport(verdicts))
    })

    it('pass on the processor, too: every eighth of those that pass in float64', async () => {
      const device = new CpuDevice({ threads: 1 })
      const passed = [...verdicts].filter(([, { outcome }]) => outcome === 'passed').map(([one]) => one)
      const chosen = passed.filter(({ name }, i) => i % 8 === 0 && !onProcessor.has(name) && !beyondFloat32.has(name))
      expect(chosen.length).toBeGreaterThan(90)
      for (const one of chosen) expect(await runCase(device, one), one.name).toMatchObject({ outcome: 'passed' })
    })
  },
)
