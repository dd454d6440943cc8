import { useEffect, useRef, useState } from 'preact/hooks'

/**
 * The whole page takes files, dropped or pasted, in every view: a drop that nobody takes would leave the page, and all that is
 * not kept with it.
 * @returns whether files are held over the page
 */
export function useFiles(onFiles: (files: readonly File[]) => void): boolean {
  const [isOver, setOver] = useState(false)
  const take = useRef(onFiles)
  take.current = onFiles
  useEffect(() => {
    const onDragOver = (event: DragEvent) => {
      const hasFiles = event.dataTransfer?.types.includes('Files') ?? false
      // Links, too: where no field takes their text, the browser would go where they lead.
      if (!hasFiles && isField(event.target)) return
      event.preventDefault()
      setOver(hasFiles)
    }
    const onDragLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent) => {
      setOver(false)
      const files = [...(event.dataTransfer?.files ?? [])]
      if (files.length === 0 && isField(event.target)) return
      event.preventDefault()
      if (files.length > 0) take.current(files)
    }
    const onPaste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (files.length > 0) take.current(files)
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
  return isOver
}

/** A field that takes text. */
function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('input, textarea')
}
