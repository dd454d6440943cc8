import { useRef } from 'preact/hooks'

/** Asks for files of one's own. The button has the focus and the keys; the field behind it is the browser's, and out of the way. */
export function FileButton({
  title,
  label,
  accept,
  multiple,
  kind,
  isDisabled,
  onFiles,
}: {
  /** What the button says. */
  title: string
  /** What the field is called. */
  label: string
  /** The files that may be chosen, as a browser's field has them. Without it: all. */
  accept?: string
  /** Whether several may be chosen. */
  multiple?: boolean
  kind?: 'primary'
  isDisabled?: boolean
  /** Hears of at least one. */
  onFiles: (files: readonly File[]) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" class={kind} disabled={isDisabled} onClick={() => input.current?.click()}>
        {title}
      </button>
      <input
        ref={input}
        type="file"
        class="visually-hidden"
        tabIndex={-1}
        aria-label={label}
        accept={accept}
        multiple={multiple}
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])]
          if (files.length > 0) onFiles(files)
          // The same files, changed, may be chosen again.
          currentTarget.value = ''
        }}
      />
    </>
  )
}
