import type { Page } from 'playwright'

export type NamedBytes = readonly [name: string, bytes: Uint8Array, type?: string]

/** Drops files on the page as the system does. @returns whether the page took the drop, so that the browser does not go there */
export function dropFiles(page: Page, files: readonly NamedBytes[], onto = 'body'): Promise<boolean> {
  return page.evaluate(
    ({ texts, onto }) => {
      const dataTransfer = new DataTransfer()
      for (const { name, type, text } of texts) {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
        dataTransfer.items.add(new File([bytes], name, { type }))
      }
      const target = document.querySelector(onto)
      const over = new DragEvent('dragover', { dataTransfer, cancelable: true, bubbles: true })
      target?.dispatchEvent(over)
      const dropped = new DragEvent('drop', { dataTransfer, cancelable: true, bubbles: true })
      target?.dispatchEvent(dropped)
      return over.defaultPrevented && dropped.defaultPrevented
    },
    {
      texts: files.map(([name, bytes, type = '']) => ({ name, type, text: Buffer.from(bytes).toString('base64') })),
      onto,
    },
  )
}

/** Drops one file. */
export function drop(page: Page, name: string, type: string, bytes: Uint8Array, onto?: string): Promise<boolean> {
  return dropFiles(page, [[name, bytes, type]], onto)
}
