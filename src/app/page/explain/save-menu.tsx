import { useState } from 'preact/hooks'
import type { ExportFormat, ExportSubject, Side } from '../contract/engine-api.ts'
import { MenuButton, type MenuItem } from '../parts/menu-button.tsx'
import { saveFile } from '../parts/save-file.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'

const formats: readonly MenuItem<ExportFormat>[] = [
  { name: 'overlay.png', title: 'Weights on the picture, PNG' },
  { name: 'overlay.svg', title: 'Weights on the picture with legend, SVG' },
  { name: 'heatmap.png', title: 'Weights alone, PNG' },
  { name: 'heatmap.svg', title: 'Weights alone with legend, SVG' },
  { name: 'boundaries.png', title: 'Segments, PNG' },
  { name: 'panels-for.png', title: 'Four panels for, PNG' },
  { name: 'panels-against.png', title: 'Four panels against, PNG' },
  { name: 'explanation.json', title: 'Numbers of all classes, JSON' },
]

/** The explanation as a file, and its address to copy. */
export function SaveMenu({
  engine,
  side,
  label,
  name,
  subject,
  isStale,
  isLinkWhole,
  onProblem,
}: {
  engine: EngineClient
  side: Side
  label: number
  /** What the class is called. */
  name: string
  subject: ExportSubject
  /** Another explanation is on its way. */
  isStale: boolean
  /** Whether the page's address holds all that is shown. */
  isLinkWhole: boolean
  onProblem: (problem: string) => void
}) {
  const [isCopied, setCopied] = useState(false)
  const save = async (format: ExportFormat) => {
    try {
      const picture = subject.index === undefined ? 'picture' : `image-${subject.index}`
      const of = name.toLowerCase().replace(/\W+/g, '-')
      saveFile(await engine.exported(side, label, format, subject), `${picture}-${of}-${format}`)
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
      <MenuButton title="Save…" items={formats} isDisabled={isStale} onChoose={save} />
      <button
        type="button"
        disabled={!isLinkWhole}
        title={
          isLinkWhole ? 'Shows the same view again, wherever it is opened' : 'No link can hold a picture of your own'
        }
        onClick={copy}
      >
        {isCopied ? 'Copied' : 'Copy link'}
      </button>
      <span class="visually-hidden" role="status">
        {isCopied ? 'The link is copied.' : ''}
      </span>
    </div>
  )
}
