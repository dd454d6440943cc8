import { useEffect, useState } from 'preact/hooks'
import type { ExportSubject } from '../contract/engine-api.ts'
import type { Side } from '../contract/side.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'

const rows = [
  { format: 'panels-for.png', words: 'speak for' },
  { format: 'panels-against.png', words: 'speak against' },
] as const

/** The tutorial's four panels (original, segments that count, their mask, their boundaries), of what speaks for and against. */
export function FourPanels({
  engine,
  side,
  label,
  name,
  subject,
  onProblem,
}: {
  engine: EngineClient
  side: Side
  label: number
  /** What the class is called. */
  name: string
  subject: ExportSubject
  onProblem: (problem: string) => void
}) {
  const [addresses, setAddresses] = useState<readonly string[]>([])
  useEffect(() => {
    let isOutdated = false
    setAddresses([])
    const made: string[] = []
    const release = () => {
      for (const address of made.splice(0)) URL.revokeObjectURL(address)
    }
    Promise.all(rows.map(({ format }) => engine.exported(side, label, format, subject))).then(
      (pictures) => {
        if (isOutdated) return
        made.push(...pictures.map((picture) => URL.createObjectURL(picture)))
        setAddresses([...made])
      },
      (error) => {
        if (!isOutdated) onProblem(`The panels can't be drawn: ${messageOf(error)}`)
      },
    )
    return () => {
      isOutdated = true
      release()
    }
  }, [engine, side, label, subject, onProblem])

  return (
    <div class="four-panels">
      {rows.map(({ words }, row) => (
        <figure key={words}>
          <figcaption>
            The five segments that {words} {name} most
          </figcaption>
          {addresses[row] && (
            <img
              src={addresses[row]}
              alt={`Original, the segments that ${words} ${name}, their mask, and their boundaries`}
            />
          )}
        </figure>
      ))}
    </div>
  )
}
