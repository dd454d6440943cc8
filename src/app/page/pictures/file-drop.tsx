import { useEffect, useRef, useState } from 'preact/hooks'
import { messageOf } from '../use-engine.ts'
import type { Picture } from './picture.ts'

/** Takes a picture of one's own: dropped anywhere on the page, pasted, or chosen. */
export function FileDrop({
  onPicture,
  onProblem,
}: {
  onPicture: (picture: Picture) => void
  onProblem: (problem: string) => void
}) {
  const [isOver, setOver] = useState(false)
  const callbacks = useRef({ onPicture, onProblem })
  callbacks.current = { onPicture, onProblem }
  const input = useRef<HTMLInputElement>(null)

  const take = async (file: File) => {
    try {
      const { pictureFromFile } = await import('./picture-from-file.ts')
      const { pixels, isDarkOnLight } = await pictureFromFile(file)
      const name = file.name || 'Pasted picture'
      callbacks.current.onPicture({ pixels, name, trueLabel: null, index: null, isDarkOnLight })
    } catch (error) {
      callbacks.current.onProblem(messageOf(error))
    }
  }

  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    const onDragOver = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent) => {
      setOver(false)
      if (!hasFiles(event)) return
      event.preventDefault()
      const file = event.dataTransfer?.files[0]
      if (file) take(file)
    }
    const onPaste = (event: ClipboardEvent) => {
      const file = event.clipboardData?.files[0]
      if (file) take(file)
    }
    addEventListener('dragover', onDragOver)
    addEventListener('dragleave', onDragLeave)
    addEventListener('drop', onDrop)
    addEventListener('paste', onPaste)
    return () => {
      removeEventListener('dragover', onDragOver)
      removeEventListener('dragleave', onDragLeave)
      removeEventListener('drop', onDrop)
      removeEventListener('paste', onPaste)
    }
  }, [])

  return (
    <div class={isOver ? 'file-drop is-over' : 'file-drop'}>
      <button type="button" onClick={() => input.current?.click()}>
        Choose a file…
      </button>
      <span class="hint">or drop or paste a picture of your own</span>
      <input
        ref={input}
        type="file"
        accept="image/*"
        class="visually-hidden"
        aria-label="A picture of your own"
        tabIndex={-1}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0]
          if (file) take(file)
          // The same file, changed, may be chosen again.
          currentTarget.value = ''
        }}
      />
    </div>
  )
}
