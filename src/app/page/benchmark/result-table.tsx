import { type BenchmarkReport, figure, shareOfCeiling } from '../../benchmark/benchmark-report.ts'
import { duration } from '../number-format.ts'

/** A row for each thing measured. The share of the ceiling only where there is a ceiling. */
export function ResultTable({ report: { results, ceilings } }: { report: BenchmarkReport }) {
  return (
    // Focusable: a narrow screen scrolls it.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="rates" aria-label="Measured" tabIndex={0}>
      <table>
        <caption class="visually-hidden">What was measured</caption>
        <thead>
          <tr>
            <th scope="col">Work</th>
            <th scope="col">Time</th>
            <th scope="col">Images a second</th>
            <th scope="col">GFLOP/s</th>
            {ceilings && <th scope="col">Of the ceiling</th>}
          </tr>
        </thead>
        <tbody>
          {results.map((result) => (
            <tr key={result.title}>
              <th scope="row">{result.title}</th>
              {'leftOut' in result ? (
                <td class="left-out" colSpan={ceilings ? 4 : 3}>
                  Left out: {result.leftOut}
                </td>
              ) : (
                <>
                  <td class="number">{duration(result.median)}</td>
                  <td class="number">{figure(result.perSecond)}</td>
                  <td class="number">{figure(result.gflops)}</td>
                  {ceilings && <td class="number">{shareOfCeiling(result, ceilings)}</td>}
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
