import { type ViewName, viewNames } from '../contract/page-address.ts'

export const viewTitles: Readonly<Record<ViewName, string>> = {
  explain: 'Explain',
  compare: 'Compare',
  train: 'Train',
  judge: 'Judge',
}

/** The page's views. They are links: each has an address of its own. */
export function ViewNavigation({ view, onView }: { view: ViewName; onView: (view: ViewName) => void }) {
  return (
    <nav class="views" aria-label="Views">
      {viewNames.map((name) => (
        <a
          key={name}
          href={`?view=${name}`}
          aria-current={name === view ? 'page' : undefined}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return
            event.preventDefault()
            onView(name)
          }}
        >
          {viewTitles[name]}
        </a>
      ))}
    </nav>
  )
}
