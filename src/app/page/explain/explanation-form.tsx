import { task } from '../../tasks/chosen-task.ts'
import { type ExplanationSettings, methodChoices } from '../contract/explanation-settings.ts'
import { type Asked, plainSide } from '../contract/page-address.ts'
import { segmenterTitles } from '../contract/segmenter-parameters.ts'
import { count, percent } from '../number-format.ts'
import { RunButton } from '../parts/run-button.tsx'
import type { Prediction } from '../pictures/use-prediction.ts'
import { SettingFields } from './setting-fields.tsx'

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
  return (
    <form
      class="settings"
      onSubmit={(event) => {
        event.preventDefault()
        onExplain()
      }}
    >
      <ClassChoice prediction={prediction} label={label} onLabel={(chosen) => onAsked({ ...asked, label: chosen })} />
      <RunButton title="Explain" isRunning={isRunning} canRun={canExplain} onRun={onExplain} onStop={onStop} />
      <details class="wide explanation-settings">
        <summary>
          Settings <span class="hint">{inWords(settings)}</span>
        </summary>
        <SettingFields
          settings={settings}
          onSettings={(changed) => onAsked({ ...asked, settings: { ...settings, ...changed } })}
        />
      </details>
    </form>
  )
}

/** Which class is explained: the most probable ones come first. */
function ClassChoice({
  prediction,
  label,
  onLabel,
}: {
  prediction: Prediction | null
  label: number | null
  onLabel: (label: number | null) => void
}) {
  const { classNames = task.classNames, probabilities = null } = prediction ?? {}
  const byProbability = Array.from(classNames.keys()).sort(
    (a, b) => (probabilities?.[b] ?? 0) - (probabilities?.[a] ?? 0) || a - b,
  )
  return (
    <label>
      Explain the class
      <select
        value={label ?? ''}
        onChange={({ currentTarget: { value } }) => onLabel(value === '' ? null : Number(value))}
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
  )
}

/** How it is explained, in short. */
function inWords({ method, segmenter, samples, seed }: ExplanationSettings): string {
  const taken =
    samples === 'auto' ? 'until settled' : samples === 'exact' ? 'every mixture' : `${count(samples)} samples`
  const by = method === plainSide.settings.method ? '' : `${methodChoices[method].title}, `
  return `${by}${segmenterTitles[segmenter]}, ${taken}, seed ${seed}`
}
