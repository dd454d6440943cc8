/**
 * Starts a form's work and stops it: one button in both states, so that the focus stays on it. Enter in a field starts the work, and
 * never stops it.
 */
export function RunButton({
  title,
  isRunning,
  canRun,
  isQuiet = false,
  onRun,
  onStop,
}: {
  title: string
  isRunning: boolean
  canRun: boolean
  /** Whether there is no need to press it. */
  isQuiet?: boolean
  onRun: () => void
  onStop: () => void
}) {
  return (
    <>
      <button type="submit" hidden disabled={!canRun} />
      <button
        type="button"
        class={isRunning ? 'stop' : isQuiet ? undefined : 'primary'}
        disabled={!canRun && !isRunning}
        onClick={({ detail }) => {
          // The second press of a double click is not meant for what the button has become.
          if (detail > 1) return
          if (isRunning) onStop()
          else onRun()
        }}
      >
        {isRunning ? 'Stop' : title}
      </button>
    </>
  )
}
