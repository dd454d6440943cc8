import { classNames } from '../../data/fashion-mnist.ts'
import { percent } from '../number-format.ts'
import { type Asked, maxSamples, maxSeed, plainSide } from '../page-address.ts'
import type { ExplanationSettings } from '../worker/engine-api.ts'
import {
  initialParameters,
  type SegmenterChoice,
  segmenterChoices,
  segmenterTitles,
} from '../worker/segmenter-parameters.ts'
import { SegmenterSettings } from './segmenter-settings.tsx'

/** What the field for their number says where none is asked for. */
const amounts: Readonly<Record<string, string>> = { auto: 'as it takes', exact: 'all there are' }

function samplingOf(choice: string): ExplanationSettings['samples'] {
  return choice === 'auto' || choice === 'exact' ? choice : plainSide.settings.samples
}

/** What to explain and how; and the buttons that start and stop it. Once explained, every change is explained at once. */
export function ExplanationForm({
  asked,
  onAsked,
  probabilities,
  isRunning,
  canExplain,
  onExplain,
  onStop,
}: {
  asked: Asked
  onAsked: (asked: Asked) => void
  probabilities: Float32Array | null
  isRunning: boolean
  canExplain: boolean
  onExplain: () => void
  onStop: () => void
}) {
  const { label, settings } = asked
  const onSettings = (changed: Partial<ExplanationSettings>) =>
    onAsked({ ...asked, settings: { ...settings, ...changed } })
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
          onChange={({ currentTarget: { value } }) => onAsked({ ...asked, label: value === '' ? null : Number(value) })}
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
            onSettings({ segmenter: currentTarget.value as SegmenterChoice, parameters: null })
          }
        >
          {segmenterChoices.map((choice) => (
            <option key={choice} value={choice}>
              {segmenterTitles[choice]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Sampling
        <select
          value={typeof settings.samples === 'number' ? 'number' : settings.samples}
          onChange={({ currentTarget }) => onSettings({ samples: samplingOf(currentTarget.value) })}
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
          onInput={({ currentTarget }) => onSettings({ samples: currentTarget.valueAsNumber })}
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
          onInput={({ currentTarget }) => onSettings({ seed: currentTarget.valueAsNumber })}
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
      <SegmenterSettings
        settings={settings}
        parameters={settings.parameters ?? initialParameters(settings.segmenter)}
        onSettings={onSettings}
      />
    </form>
  )
}

/** Whether the fields hold what can be computed: while somebody types they may not. */
export function areValid({ samples, seed }: ExplanationSettings): boolean {
  const isWhole = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most
  return (typeof samples !== 'number' || isWhole(samples, 1, maxSamples)) && isWhole(seed, 0, maxSeed)
}
