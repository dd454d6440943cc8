import { useState } from 'preact/hooks'
import { type BenchmarkReport, figure, reportText } from '../../benchmark/benchmark-report.ts'
import type { DeviceChoice, DeviceStatus } from '../contract/engine-api.ts'
import { DeviceSelect } from '../parts/device-badge.tsx'
import { Notice } from '../parts/notice.tsx'
import { ResultTable } from './result-table.tsx'
import { useBenchmark } from './use-benchmark.ts'

/** How fast the visitor's own device does the tutorial's work. */
export function BenchmarkPage() {
  const [problem, setProblem] = useState<string | null>(null)
  const [choice, setChoice] = useState<DeviceChoice>('auto')
  const { state, start, stop } = useBenchmark(setProblem)
  const { phase, progress, status, report } = state
  const isRunning = phase === 'running'

  return (
    <div class="benchmark">
      <header class="masthead">
        <div>
          <h1>Limelight</h1>
          <p class="tagline">How fast is this device?</p>
        </div>
        <a href=".">Why does the network say so?</a>
      </header>
      <Notice message={problem} onDismiss={() => setProblem(null)} />
      <main>
        <section class="panel" aria-labelledby="benchmark-title" aria-busy={isRunning}>
          <h2 id="benchmark-title">Benchmark</h2>
          <p class="hint">
            The network is run, trained and explained here, on pictures of clothes: medians of up to seven runs, after a
            warm-up. It takes a minute or two; leave this page in front, and let nothing else work meanwhile.
          </p>
          <div class="controls">
            <DeviceSelect choice={choice} isDisabled={isRunning} onChoose={setChoice} />
            {isRunning ? (
              <button type="button" class="stop" onClick={stop}>
                Stop
              </button>
            ) : (
              <button type="button" class="primary" onClick={() => start(choice)}>
                {phase === 'none' ? 'Measure' : 'Measure again'}
              </button>
            )}
          </div>
          {isRunning && (
            <div class="progress">
              <progress
                max={1}
                value={status ? progress.done / progress.total : undefined}
                aria-label="Benchmark"
                aria-valuetext={progress.what}
              />
              <span aria-hidden="true">{progress.what}</span>
            </div>
          )}
          <p class="visually-hidden" role="status">
            {phase === 'done' ? 'All is measured.' : phase === 'stopped' ? 'Stopped.' : ''}
          </p>
        </section>
        {report && status && (
          <Results report={report} status={status} isWhole={phase !== 'stopped'} onProblem={setProblem} />
        )}
      </main>
      <footer>
        GFLOP/s count plain convolutions, whatever is computed in their place, so that devices and programs compare; an
        explanation counts as if every sample's picture went through the network. Everything is computed in this
        browser; nothing is sent anywhere.
      </footer>
    </div>
  )
}

function Results({
  report,
  status,
  isWhole,
  onProblem,
}: {
  report: BenchmarkReport
  status: DeviceStatus
  isWhole: boolean
  onProblem: (problem: string | null) => void
}) {
  const { device, adapter, ceilings } = report
  return (
    <section class="panel" aria-labelledby="results-title">
      <h2 id="results-title">{isWhole ? 'Results' : 'Results, as far as it came'}</h2>
      <p class="device-name adapter">
        <span class="lamp" data-kind={device} aria-hidden="true" />
        <span>
          <strong>{device}</strong> — {adapter}
          {status.reason && <span class="reason">: {status.reason}</span>}
        </span>
      </p>
      {ceilings && (
        <p class="hint">
          At most, as measured: {figure(ceilings.fma)} GFLOP/s of multiply-adds, {figure(ceilings.copy)} GB/s copied.
        </p>
      )}
      <ResultTable report={report} />
      <CopyButtons report={report} onProblem={onProblem} />
    </section>
  )
}

function CopyButtons({ report, onProblem }: { report: BenchmarkReport; onProblem: (problem: string | null) => void }) {
  /** What was copied a moment ago. */
  const [copied, setCopied] = useState('')
  const copy = async (format: string, text: string) => {
    try {
      await navigator.clipboard.writeText(text)
      onProblem(null)
      setCopied(`Copied as ${format}.`)
    } catch {
      onProblem('The browser does not let this page copy. Select the table and copy it yourself.')
    }
  }
  return (
    <div class="controls copying">
      <button type="button" onClick={() => copy('text', reportText(report))}>
        Copy as text
      </button>
      <button type="button" onClick={() => copy('JSON', JSON.stringify(report, null, 2))}>
        Copy as JSON
      </button>
      <span role="status">{copied}</span>
    </div>
  )
}
