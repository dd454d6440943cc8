import { useRef } from 'preact/hooks'

/** Chooses a picture of one's own; the whole page takes what is dropped or pasted. */
export function FileChoice({ onFile }: { onFile: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div class="file-choice">
      <button type="button" onClick={() => input.current?.click()}>
        Choose a file…
      </button>
      <span class="hint">or drop or paste a picture of your own, anywhere on the page</span>
      <input
        ref={input}
        type="file"
        accept="image/*"
        class="visually-hidden"
        aria-label="A picture of your own"
        tabIndex={-1}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0]
          if (file) onFile(file)
          // The same file, changed, may be chosen again.
          currentTarget.value = ''
        }}
      />
    </div>
  )
}
