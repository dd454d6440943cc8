import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { task } from '../../tasks/chosen-task.ts'
import type { OwnNetwork } from '../contract/engine-api.ts'
import type { Asked } from '../contract/page-address.ts'

/**
 * The class that was chosen among one network's, among another's: the one of the same name. Where there is none, none is chosen, and
 * the most probable is explained.
 * @param before null where it was not chosen among others, but by its number
 */
export function sameClass(label: number, before: readonly string[] | null, now: readonly string[]): number | null {
  const name = (before ?? now)[label]
  if (now[label] === name) return name === undefined ? null : label
  const same = now.indexOf(name)
  return same < 0 ? null : same
}

/** What one side asks. Its class is always one of its network's, whichever way that becomes another. */
export function useAsked(first: Asked, ownNetwork: OwnNetwork | null) {
  const [asked, change] = useState(first)
  /** What the class was chosen among; null: it came by its number. */
  const among = useRef<readonly string[] | null>(null)
  // Not known as long as one's own network is not there.
  const classNames = asked.network === 'own' ? (ownNetwork?.classNames ?? null) : task.classNames
  useLayoutEffect(() => {
    if (!classNames) return
    const label = asked.label === null ? null : sameClass(asked.label, among.current, classNames)
    among.current = classNames
    if (label !== asked.label) change((now) => ({ ...now, label }))
  })
  /** An address says a class by its number. */
  const read = useCallback((said: Asked) => {
    among.current = null
    change(said)
  }, [])
  return { asked, change, read }
}
