import type { Side } from '../contract/side.ts'
import type { EvidencePicture } from '../parts/overlay-canvas.tsx'

/** What of an explanation is looked at, and how. It stays when another explanation comes. */
export interface Look {
  readonly shows: EvidencePicture | 'panels'
  readonly isTrustOpen: boolean
}

const looks: readonly { readonly shows: Look['shows']; readonly title: string }[] = [
  { shows: 'overlay', title: 'On the picture' },
  { shows: 'heatmap', title: 'Weights alone' },
  { shows: 'boundaries', title: 'Segments' },
  { shows: 'panels', title: 'Four panels' },
]

/** How the evidence is drawn. */
export function LookChoice({
  side,
  look,
  hasPanels = true,
  onLook,
}: {
  side: Side
  look: Look
  /** Whether the tutorial's four panels are among them. */
  hasPanels?: boolean
  onLook: (look: Look) => void
}) {
  return (
    <fieldset class="shows">
      <legend class="visually-hidden">Show the evidence as</legend>
      {looks
        .filter(({ shows }) => hasPanels || shows !== 'panels')
        .map(({ shows, title }) => (
          <label key={shows}>
            <input
              type="radio"
              name={`shows-${side}`}
              checked={look.shows === shows}
              onChange={() => onLook({ ...look, shows })}
            />
            <span>{title}</span>
          </label>
        ))}
    </fieldset>
  )
}
