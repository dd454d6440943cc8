import type { DeviceKind } from '../../engine/index.ts'
import type { Ceilings } from './adapter-ceilings.ts'
import type { ItemResult } from './benchmark.ts'

/** A benchmark's outcome, whole or as far as it came: what is shown, and what is copied as JSON. */
export interface BenchmarkReport {
  readonly date: string
  readonly device: DeviceKind
  readonly adapter: string
  /** The browser, as it names itself. */
  readonly browser: string
  readonly ceilings?: Ceilings
  readonly results: readonly ItemResult[]
}

/** 0.0123 -> "0.0123", 1234.5 -> "1235": four digits are more than the noise leaves. */
export function figure(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}

/** Of the adapter's multiply-adds; Winograd and shared work may pass it, for GFLOP/s count direct convolution. */
export function shareOfCeiling(result: ItemResult, ceilings: Ceilings | undefined): string {
  return ceilings && 'gflops' in result ? `${figure((result.gflops / ceilings.fma) * 100)} %` : ''
}

/** As lines of aligned text. */
export function reportText(report: BenchmarkReport): string {
  const { ceilings, results } = report
  const rows = results.map((result) =>
    'leftOut' in result
      ? [result.title, `left out: ${result.leftOut}`]
      : [
          result.title,
          `${figure(result.median)} ms`,
          `${figure(result.perSecond)} a second`,
          `${figure(result.gflops)} GFLOP/s`,
          shareOfCeiling(result, ceilings),
        ],
  )
  const width = Math.max(0, ...rows.map(([title]) => title.length))
  return [
    `Limelight on ${report.device}: ${report.adapter}`,
    `${report.browser}, ${report.date}`,
    ...(ceilings
      ? [`Ceilings: ${figure(ceilings.fma)} GFLOP/s of multiply-adds, ${figure(ceilings.copy)} GB/s copied`]
      : []),
    ...rows.map(([title, ...cells]) =>
      `${title.padEnd(width)}  ${cells.map((cell) => cell.padStart(16)).join('')}`.trimEnd(),
    ),
  ].join('\n')
}
