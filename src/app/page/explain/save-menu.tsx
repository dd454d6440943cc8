import { useState } from 'preact/hooks'
import { classNames } from '../../data/fashion-mnist.ts'
import { saveFile } from '../save-file.ts'
import { messageOf } from '../use-engine.ts'
import type { ExportFormat, ExportSubject, Side } from '../worker/engine-api.ts'
import type { EngineClient } from '../worker/engine-client.ts'

const formats: readonly { readonly format: ExportFormat; readonly title: string }[] = [
  { format: 'overlay.png', title: 'Weights on the picture, PNG' },
  { format: 'overlay.svg', title: 'Weights on the picture with legend, SVG' },
  { format: 'heatmap.png', title: 'Weights alone, PNG' },
  { format: 'heatmap.svg', title: 'Weights alone with legend, SVG' },
  { format: 'boundaries.png', title: 'Segments, PNG' },
  { format: 'panels-for.png', title: 'Four panels for, PNG' },
  { format: 'panels-against.png', title: 'Four panels against, PNG' },
  { format: 'explanation.json', title: 'Numbers of all classes, JSON' },
]

/** The explanation as a file, and its address to copy. */
export function SaveMenu({
  engine,
  side,
  label,
  subject,
  isStale,
  onProblem,
}: {
  engine: EngineClient
  side: Side
  label: number
  subject: ExportSubject
  /** Another explanation is on its way. */
  isStale: boolean
  onProblem: (problem: string) => void
}) {
  const [isCopied, setCopied] = useState(false)
  const hasAddress = subject.index !== undefined
  const save = async (format: ExportFormat) => {
    try {
      const picture = subject.index === undefined ? 'picture' : `image-${subject.index}`
      const name = classNames[label].toLowerCase().replace(/\W+/g, '-')
      saveFile(await engine.exported(side, label, format, subject), `${picture}-${name}-${format}`)
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
      <label>
        <span class="visually-hidden">Save as a file</span>
        <select
          value=""
          disabled={isStale}
          onChange={({ currentTarget }) => {
            const { value } = currentTarget
            currentTarget.value = ''
            const chosen = formats.find(({ format }) => format === value)
            if (chosen) save(chosen.format)
          }}
        >
          <option value="">Save…</option>
          {formats.map(({ format, title }) => (
            <option key={format} value={format}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        disabled={!hasAddress}
        title={
          hasAddress ? 'Shows the same view again, wherever it is opened' : 'No link can hold a picture of your own'
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
