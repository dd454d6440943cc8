import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { NotLoaded } from './new-version.tsx'

/** A component whose script is loaded when it is shown for the first time: the first view does not wait for it. */
export function loadedWhenShown<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | null = null
  return function LoadedWhenShown(props: Props) {
    const [state, setState] = useState<'loading' | 'loaded' | 'failed'>(loaded ? 'loaded' : 'loading')
    useEffect(() => {
      if (loaded) return
      load().then(
        (component) => {
          loaded = component
          setState('loaded')
        },
        () => setState('failed'),
      )
    }, [])
    const Component = loaded
    if (Component) return <Component {...props} />
    if (state === 'failed') return <NotLoaded />
    return (
      <p class="hint" role="status">
        Loading…
      </p>
    )
  }
}
