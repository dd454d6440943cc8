import type { ComponentChildren } from 'preact'

/** One figure of a list (`<dl class="facts">`) and what it is. */
export function Fact({ term, title, children }: { term: string; title?: string; children: ComponentChildren }) {
  return (
    <div title={title}>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  )
}
