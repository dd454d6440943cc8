import { classNames } from '../data/fashion-mnist.ts'
import { type ExplanationSettings, type SegmenterChoice, segmenterChoices } from './engine-api.ts'
import { percent } from './number-format.ts'
import { firstView, maxSamples, maxSeed } from './page-address.ts'

const segmenterNames: Readonly<Record<SegmenterChoice, string>> = {
  auto: 'By image size',
  quickshift: 'Quickshift (lime’s)',
  felzenszwalb: 'Felzenszwalb',
  slic: 'SLIC',
}

/** What the field for their number says where none is asked for. */
const amounts: Readonly<Record<string, string>> = { auto: 'as it takes', exact: 'all there are' }

function samplingOf(choice: string): ExplanationSettings['samples'] {
  return choice === 'auto' || choice === 'exact' ? choice : firstView.settings.samples
}

/** What to explain and how; and the buttons that start and stop it. */
export function ExplanationForm({
  settings,
  onSettings,
  label,
  onLabel,
  probabilities,
  isRunning,
  canExplain,
  onExplain,
  onStop,
}: {
  settings: ExplanationSettings
  onSettings: (settings: ExplanationSettings) => void
  label: number | null
  onLabel: (label: number | null) => void
  probabilities: Float32Array | null
  isRunning: boolean
  canExplain: boolean
  onExplain: () => void
  onStop: () => void
}) {
  const byProbability = Array.from(classNames.keys()).sort(
    (a, b) => (probabilities?.[b] ?? 0) - (probabilities?.[a] ?? 0) || a - b,
  )
  return (
    <form
      class="settings"
      onSubmit={(event) => {
        event.preventDefault()
        onExplain()
      }}
    >
      <label class="wide">
        Explain the class
        <select
          value={label ?? ''}
          onChange={({ currentTarget }) => onLabel(currentTarget.value === '' ? null : Number(currentTarget.value))}
        >
          <option value="">the most probable</option>
          {byProbability.map((candidate) => (
            <option key={candidate} value={candidate}>
              {classNames[candidate]}
              {probabilities && `, ${percent(probabilities[candidate])}`}
            </option>
          ))}
        </select>
      </label>
      <label>
        Segments
        <select
          value={settings.segmenter}
          onChange={({ currentTarget }) =>
            onSettings({ ...settings, segmenter: currentTarget.value as SegmenterChoice })
          }
        >
          {segmenterChoices.map((choice) => (
            <option key={choice} value={choice}>
              {segmenterNames[choice]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Sampling
        <select
          value={typeof settings.samples === 'number' ? 'number' : settings.samples}
          onChange={({ currentTarget }) => onSettings({ ...settings, samples: samplingOf(currentTarget.value) })}
        >
          <option value="number">By number</option>
          <option value="auto">Until settled</option>
          <option value="exact">Every mixture</option>
        </select>
      </label>
      <label>
        Samples
        <input
          type="number"
          disabled={typeof settings.samples !== 'number'}
          required
          min={1}
          max={maxSamples}
          value={typeof settings.samples === 'number' ? settings.samples : ''}
          placeholder={amounts[settings.samples]}
          onInput={({ currentTarget }) => onSettings({ ...settings, samples: currentTarget.valueAsNumber })}
        />
      </label>
      <label>
        Random seed
        <input
          type="number"
          required
          min={0}
          max={maxSeed}
          value={settings.seed}
          onInput={({ currentTarget }) => onSettings({ ...settings, seed: currentTarget.valueAsNumber })}
        />
      </label>
      {isRunning ? (
        // The keys keep the two apart: one element that turned into a submit button under the click would submit.
        <button key="stop" type="button" class="stop" onClick={onStop}>
          Stop
        </button>
      ) : (
        <button key="explain" type="submit" class="primary" disabled={!canExplain}>
          Explain
        </button>
      )}
    </form>
  )
}
