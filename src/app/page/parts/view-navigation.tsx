import type { ComponentChildren } from 'preact'
import { type Mode, modes, type ViewName, viewNames } from '../contract/page-address.ts'

export const viewTitles: Readonly<Record<ViewName, string>> = {
  explain: 'Explain',
  compare: 'Compare',
  train: 'Train',
  judge: 'Judge',
  results: 'Results',
}

const modeTitles: Readonly<Record<Mode, ComponentChildren>> = {
  // On phones there is room for its first word beside the page's title.
  'data-set': (
    <>
      Fashion<span class="wide-only">-MNIST</span>
    </>
  ),
  photograph: 'Photographs',
}

/** The page's views. */
export function ViewNavigation({ view, onView }: { view: ViewName; onView: (view: ViewName) => void }) {
  return (
    <Links
      label="Views"
      names={viewNames}
      titles={viewTitles}
      current={view}
      addressOf={(name) => `?view=${name}`}
      onChoose={onView}
    />
  )
}

/** Whose pictures are explained: a switch within a view. */
export function ModeNavigation({ view, mode, onMode }: { view: ViewName; mode: Mode; onMode: (mode: Mode) => void }) {
  return (
    <Links
      label="Pictures"
      names={modes}
      titles={modeTitles}
      current={mode}
      addressOf={(name) => `?view=${view}${name === 'photograph' ? `&mode=${name}` : ''}`}
      onChoose={onMode}
    />
  )
}

/** Places to go to. They are links: each has an address of its own. */
function Links<Name extends string>({
  label,
  names,
  titles,
  current,
  addressOf,
  onChoose,
}: {
  label: string
  names: readonly Name[]
  titles: Readonly<Record<Name, ComponentChildren>>
  current: Name
  addressOf: (name: Name) => string
  onChoose: (name: Name) => void
}) {
  return (
    <nav class="views" aria-label={label}>
      {names.map((name) => (
        <a
          key={name}
          href={addressOf(name)}
          aria-current={name === current ? 'page' : undefined}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return
            event.preventDefault()
            onChoose(name)
          }}
        >
          {titles[name]}
        </a>
      ))}
    </nav>
  )
}
