import { task } from '../../tasks/chosen-task.ts'
import {
  type ExplanationSettings,
  methodChoices,
  methodNames,
  type Sampling,
  samplingOf,
} from '../contract/explanation-settings.ts'
import { type Asked, maxSamples, maxSeed, plainSide } from '../contract/page-address.ts'
import {
  initialParameters,
  type SegmenterChoice,
  segmenterChoices,
  segmenterTitles,
} from '../contract/segmenter-parameters.ts'
import { count, percent } from '../number-format.ts'
import { NumberField } from '../parts/number-field.tsx'
import type { Prediction } from '../pictures/use-prediction.ts'
import { SegmenterSettings } from './segmenter-settings.tsx'

/** What the field for their number says where none is asked for. */
const amounts: Readonly<Record<string, string>> = { auto: 'as many as it takes', exact: 'all there are' }

const samplingTitles: Readonly<Record<Sampling, string>> = {
  number: 'A fixed number',
  auto: 'Until settled',
  exact: 'Every mixture',
}

function samplesOf(choice: Sampling | undefined): ExplanationSettings['samples'] {
  return choice === 'auto' || choice === 'exact' ? choice : plainSide.settings.samples
}

/** With another method; samples that it does not take are as usual. */
function withMethod(settings: ExplanationSettings, name: string): ExplanationSettings {
  const method = methodNames.find((each) => each === name) ?? settings.method
  const isTaken = methodChoices[method].samplings.includes(samplingOf(settings.samples))
  return { ...settings, method, samples: isTaken ? settings.samples : plainSide.settings.samples }
}

/** How it is explained, in short. */
function inWords({ method, segmenter, samples, seed }: ExplanationSettings): string {
  const taken =
    samples === 'auto' ? 'until settled' : samples === 'exact' ? 'every mixture' : `${count(samples)} samples`
  const by = method === plainSide.settings.method ? '' : `${methodChoices[method].title}, `
  return `${by}${segmenterTitles[segmenter]}, ${taken}, seed ${seed}`
}

/** What to explain and how; and the buttons that start and stop it. Once explained, every change is explained at once. */
export function ExplanationForm({
  asked,
  onAsked,
  prediction,
  isRunning,
  canExplain,
  onExplain,
  onStop,
}: {
  asked: Asked
  onAsked: (asked: Asked) => void
  prediction: Prediction | null
  isRunning: boolean
  canExplain: boolean
  onExplain: () => void
  onStop: () => void
}) {
  const { label, settings } = asked
  const { samplings } = methodChoices[settings.method]
  const onSettings = (changed: Partial<ExplanationSettings>) =>
    onAsked({ ...asked, settings: { ...settings, ...changed } })
  const { classNames = task.classNames, probabilities = null } = prediction ?? {}
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
      <label>
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
      {/* One button in both states: the focus stays on it. Enter in a field explains, and never stops. */}
      <button type="submit" hidden disabled={!canExplain} />
      <button
        type="button"
        class={isRunning ? 'stop' : 'primary'}
        disabled={!canExplain && !isRunning}
        onClick={({ detail }) => {
          // The second press of a double click is not meant for what the button has become.
          if (detail > 1) return
          if (isRunning) onStop()
          else onExplain()
        }}
      >
        {isRunning ? 'Stop' : 'Explain'}
      </button>
      <details class="wide explanation-settings">
        <summary>
          Settings <span class="hint">{inWords(settings)}</span>
        </summary>
        <div class="setting-fields">
          <label>
            Method
            <select
              value={settings.method}
              onChange={({ currentTarget }) => onSettings(withMethod(settings, currentTarget.value))}
            >
              {methodNames.map((name) => (
                <option key={name} value={name}>
                  {methodChoices[name].title}
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
              value={samplingOf(settings.samples)}
              onChange={({ currentTarget: { value } }) =>
                onSettings({ samples: samplesOf(samplings.find((choice) => choice === value)) })
              }
            >
              {samplings.map((choice) => (
                <option key={choice} value={choice}>
                  {samplingTitles[choice]}
                </option>
              ))}
            </select>
          </label>
          <NumberField
            title="Samples"
            isDisabled={typeof settings.samples !== 'number'}
            min={1}
            max={maxSamples}
            value={typeof settings.samples === 'number' ? settings.samples : null}
            placeholder={amounts[settings.samples]}
            isTakenAtOnce
            onValue={(samples) => onSettings({ samples })}
          />
          <NumberField
            title="Random seed"
            min={0}
            max={maxSeed}
            value={settings.seed}
            isTakenAtOnce
            onValue={(seed) => onSettings({ seed })}
          />
          <SegmenterSettings
            settings={settings}
            parameters={settings.parameters ?? initialParameters(settings.segmenter)}
            onSettings={onSettings}
          />
        </div>
      </details>
    </form>
  )
}
