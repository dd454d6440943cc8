import { newVersion, ReloadButton, useNewVersion } from './new-version.tsx'

/**
 * The one place where the page says what went wrong, and where a reload will help. It is always there, so that screen readers hear it
 * change.
 */
export function Notice({ message, onDismiss }: { message: string | null; onDismiss: (() => void) | null }) {
  const hasNewVersion = useNewVersion(message)
  return (
    <div role="alert" class={message ? 'notice' : undefined}>
      {message && (
        <p>
          {message}
          {hasNewVersion && <strong> {newVersion}</strong>}
        </p>
      )}
      {message && (
        <div class="notice-buttons">
          {hasNewVersion && <ReloadButton />}
          {onDismiss && (
            <button type="button" class="quiet" onClick={onDismiss}>
              Dismiss
            </button>
          )}
        </div>
      )}
    </div>
  )
}
