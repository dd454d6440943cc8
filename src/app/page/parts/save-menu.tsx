import { useState } from 'preact/hooks'
import { messageOf } from '../worker/use-engine.ts'
import { MenuButton, type MenuItem } from './menu-button.tsx'
import { saveFile } from './save-file.ts'

/** An explanation as a file, and its address to copy. */
export function SaveMenu<Format extends string>({
  formats,
  picture,
  className,
  fileOf,
  isDisabled,
  isLinkWhole,
  linkHint,
  onProblem,
}: {
  formats: readonly MenuItem<Format>[]
  /** What a file's name begins with. */
  picture: string
  /** What the class is called. */
  className: string
  fileOf: (format: Format) => Promise<Blob>
  /** Another explanation is on its way. */
  isDisabled: boolean
  /** Whether the page's address holds all that it can show. */
  isLinkWhole: boolean
  /** What the address holds, and what not. */
  linkHint: string
  onProblem: (problem: string) => void
}) {
  const [isCopied, setCopied] = useState(false)
  const save = async (format: Format) => {
    try {
      const of = className.toLowerCase().replace(/\W+/g, '-')
      saveFile(await fileOf(format), `${picture}-${of}-${format}`)
    } catch (error) {
      onProblem(`The file can't be made: ${messageOf(error)}`)
    }
  }
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href)
      setCopied(true)
      setTimeout(() => setCopied(false), 2000)
    } catch (error) {
      onProblem(`The link can't be copied (${messageOf(error)}): copy it from the browser's address field`)
    }
  }
  return (
    <div class="save-menu">
      <MenuButton title="Save…" items={formats} isDisabled={isDisabled} onChoose={save} />
      <button type="button" disabled={!isLinkWhole} title={linkHint} onClick={copy}>
        {isCopied ? 'Copied' : 'Copy link'}
      </button>
      <span class="visually-hidden" role="status">
        {isCopied ? 'The link is copied.' : ''}
      </span>
    </div>
  )
}
