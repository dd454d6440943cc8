import { useLayoutEffect, useRef, useState } from 'preact/hooks'

export interface MenuItem<Name extends string> {
  readonly name: Name
  readonly title: string
}

/** A button with a menu of things to do: by mouse, by arrow keys, Home and End; Escape closes it (WAI-ARIA's menu button). */
export function MenuButton<Name extends string>({
  title,
  items,
  isDisabled,
  onChoose,
}: {
  title: string
  items: readonly MenuItem<Name>[]
  isDisabled: boolean
  onChoose: (name: Name) => void
}) {
  const [isOpen, setOpen] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const menu = useRef<HTMLDivElement>(null)
  // Before the next key comes.
  useLayoutEffect(() => {
    if (isOpen) menu.current?.querySelector('button')?.focus()
  }, [isOpen])
  const close = () => {
    setOpen(false)
    opener.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.preventDefault()
      return close()
    }
    const choices = Array.from(menu.current?.querySelectorAll('button') ?? [])
    const at = choices.findIndex((choice) => choice.matches(':focus'))
    const last = choices.length - 1
    const to = { ArrowDown: at < last ? at + 1 : 0, ArrowUp: at > 0 ? at - 1 : last, Home: 0, End: last }[event.key]
    if (to === undefined) return
    event.preventDefault()
    choices[to]?.focus()
  }
  return (
    <div
      class="menu"
      onFocusOut={({ relatedTarget, currentTarget }) => {
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) setOpen(false)
      }}
    >
      <button
        ref={opener}
        type="button"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        disabled={isDisabled}
        onClick={() => setOpen(!isOpen)}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' || isOpen) return
          event.preventDefault()
          setOpen(true)
        }}
      >
        {title} <span aria-hidden="true">▾</span>
      </button>
      {isOpen && (
        <div ref={menu} role="menu" aria-label={title} onKeyDown={onKeyDown}>
          {items.map(({ name, title }) => (
            <button
              key={name}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                close()
                onChoose(name)
              }}
            >
              {title}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}
