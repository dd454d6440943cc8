import type { StateUpdater } from 'preact/hooks'
import type { PhotographAsked } from '../contract/photograph-address.ts'
import { RunButton } from '../parts/run-button.tsx'
import { ClassChoice } from './class-choice.tsx'
import { PhotographSettingFields, settingsInWords } from './photograph-setting-fields.tsx'

/** What to explain and how; and the button that starts and stops it. */
export function PhotographForm({
  classNames,
  isOfValues,
  label,
  asked,
  onAsked,
  isRunning,
  isDone,
  canExplain,
  hasOwn,
  onExplain,
  onStop,
}: {
  /** null as long as no network is there. */
  classNames: readonly string[] | null
  /** Whether the network says values, which are of no class. */
  isOfValues: boolean
  /** The class that is asked about. */
  label: number | null
  asked: PhotographAsked
  onAsked: (change: StateUpdater<PhotographAsked>) => void
  isRunning: boolean
  /** Whether what is asked is explained already. */
  isDone: boolean
  canExplain: boolean
  hasOwn: boolean
  onExplain: () => void
  onStop: () => void
}) {
  const { settings } = asked
  return (
    <form
      class="settings"
      onSubmit={(event) => {
        event.preventDefault()
        onExplain()
      }}
    >
      {classNames && label !== null ? (
        <ClassChoice
          title={isOfValues ? 'Explain the value' : 'Explain the class'}
          classNames={classNames}
          asked={label}
          onLabel={(chosen) => onAsked((now) => ({ ...now, label: chosen }))}
        />
      ) : (
        <p class="hint">First it takes a network that can be asked, and a photograph.</p>
      )}
      <RunButton
        title={isDone ? 'Explain again' : 'Explain'}
        isRunning={isRunning}
        canRun={canExplain}
        isQuiet={isDone}
        onRun={onExplain}
        onStop={onStop}
      />
      <details class="wide explanation-settings">
        <summary>
          Settings <span class="hint">{settingsInWords(settings)}</span>
        </summary>
        <PhotographSettingFields
          settings={settings}
          hasOwn={hasOwn}
          onSettings={(changed) => onAsked((now) => ({ ...now, settings: { ...now.settings, ...changed } }))}
        />
      </details>
    </form>
  )
}
