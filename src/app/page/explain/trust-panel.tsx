import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Faithfulness, Stability } from '../../../lime/index.ts'
import type { Side } from '../contract/side.ts'
import { percent, signed } from '../number-format.ts'
import { Fact } from '../parts/fact.tsx'
import { type Curve, LineChart } from '../parts/line-chart.tsx'
import { type EngineClient, isStopped } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'

/** How far to trust an explanation: how true it is to the network, and how much of it is chance. */
export function TrustPanel({
  engine,
  side,
  label,
  name,
  isExact,
  onProblem,
}: {
  engine: EngineClient
  side: Side
  label: number
  /** What the class is called. */
  name: string
  /** Every mixture was taken: no chance is left. */
  isExact: boolean
  onProblem: (problem: string) => void
}) {
  const ask = useMemo(() => ({ engine, side, label }), [engine, side, label])
  const faithfulness = useAnswer(ask, ({ engine, side, label }) => engine.faithfulness(side, label), onProblem)
  const stability = useAnswer(ask, ({ engine, side, label }) => engine.stability(side, label), onProblem)
  return (
    <div class="trust">
      <section>
        <h3>Is it true to the network?</h3>
        {faithfulness ? (
          <Faithful name={name} faithfulness={faithfulness} />
        ) : (
          <p class="hint">Hiding segments one by one…</p>
        )}
      </section>
      <section>
        <h3>Would other samples say the same?</h3>
        {stability ? (
          <Stable stability={stability} isExact={isExact} />
        ) : (
          <p class="hint">Explaining it ten more times…</p>
        )}
      </section>
    </div>
  )
}

function Faithful({
  name,
  faithfulness: { deletion, insertion, random, order },
}: {
  name: string
  faithfulness: Faithfulness
}) {
  const x = useMemo(() => Array.from(deletion.probabilities.keys()), [deletion])
  const curves = useMemo(
    (): Curve[] => [
      { name: 'Hidden', colour: 'against', values: Array.from(deletion.probabilities) },
      { name: 'Shown', colour: 'for', values: Array.from(insertion.probabilities) },
      { name: 'Hidden by chance', colour: 'soft', isDashed: true, values: Array.from(random.deletion.probabilities) },
    ],
    [deletion, insertion, random],
  )
  const gain = random.deletion.auc - deletion.auc
  return (
    <>
      <p class="hint">
        Probability of {name} while segments are hidden, and shown, the one that speaks most for it first. The faster it
        falls and rises, the better the explanation fits the network.
      </p>
      <LineChart
        title={`Probability of ${name} by segments hidden and shown; the table below has the numbers`}
        xName="Segments"
        x={x}
        curves={curves}
        yRange={[0, 1]}
      />
      <p>
        While segments are hidden, the probability averages <strong>{deletion.auc.toFixed(3)}</strong>, in random order{' '}
        {random.deletion.auc.toFixed(3)}:{' '}
        {gain > 0.01 ? 'better than chance' : gain < -0.01 ? 'worse than chance' : 'no better than chance'}. While they
        are shown, <strong>{insertion.auc.toFixed(3)}</strong>, in random order {random.insertion.auc.toFixed(3)}.
      </p>
      <details>
        <summary>As a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
        <section class="trust-table" aria-label="Probabilities by segments" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Segments</th>
                <th scope="col">The last of them</th>
                <th scope="col">Hidden</th>
                <th scope="col">Shown</th>
                <th scope="col">Hidden by chance</th>
              </tr>
            </thead>
            <tbody>
              {x.map((count) => (
                <tr key={count}>
                  <th scope="row">{count}</th>
                  <td class="number">{count === 0 ? '–' : order[count - 1]}</td>
                  <td class="number">{percent(deletion.probabilities[count])}</td>
                  <td class="number">{percent(insertion.probabilities[count])}</td>
                  <td class="number">{percent(random.deletion.probabilities[count])}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </>
  )
}

function Stable({ stability: { runs, sameTop, vsi, spread }, isExact }: { stability: Stability; isExact: boolean }) {
  return (
    <>
      <p class="hint">
        {isExact
          ? 'Every mixture was taken: other samples can’t change anything.'
          : `Explained ${runs} times, each with other samples.`}
      </p>
      <dl class="facts">
        <Fact term="Same five on top" title="The share of pairs of runs with the same five segments on top">
          {percent(sameTop)}
        </Fact>
        <Fact
          term="Top five in common"
          title="Variables' stability index: how many of the top five two runs have in common"
        >
          {percent(vsi)}
        </Fact>
        <Fact term="Weights differ by" title="The largest difference between two runs' weights of one segment">
          {spread === 0 ? 'nothing' : signed(spread).replace('+', '')}
        </Fact>
      </dl>
    </>
  )
}

/** What the Worker answers about the explanation that is shown; null until then. */
function useAnswer<Asked, Answer>(
  asked: Asked,
  question: (asked: Asked) => Promise<Answer>,
  onProblem: (problem: string) => void,
): Answer | null {
  const [answer, setAnswer] = useState<Answer | null>(null)
  useEffect(() => {
    let isOutdated = false
    setAnswer(null)
    question(asked).then(
      (answer) => {
        if (!isOutdated) setAnswer(answer)
      },
      (error) => {
        if (!isOutdated && !isStopped(error)) onProblem(`The explanation can't be judged: ${messageOf(error)}`)
      },
    )
    return () => {
      isOutdated = true
    }
  }, [asked, onProblem])
  return answer
}
