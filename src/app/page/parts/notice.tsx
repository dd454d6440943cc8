/** The one place where the page says what went wrong. It is always there, so that screen readers hear it change. */
export function Notice({ message, onDismiss }: { message: string | null; onDismiss: (() => void) | null }) {
  return (
    <div role="alert" class={message ? 'notice' : undefined}>
      {message && <p>{message}</p>}
      {message && onDismiss && (
        <button type="button" class="quiet" onClick={onDismiss}>
          Dismiss
        </button>
      )}
    </div>
  )
}
