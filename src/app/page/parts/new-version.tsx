import { useEffect, useState } from 'preact/hooks'

/**
 * What the page says when its host has another version by now. A page that was opened before that loads its late scripts (views,
 * segmenters, the training) in vain: they have other names there.
 */

/**
 * Whether the page's host no longer has the script that the page began with: its name changes with everything that it loads. The host is
 * asked for the head alone, which our service worker does not answer from what it keeps. Some hosts answer whatever they do not have
 * with a page.
 */
async function isReplaced(): Promise<boolean> {
  const script = document.querySelector<HTMLScriptElement>('script[type="module"][src]')
  if (!script) return false
  try {
    const response = await fetch(script.src, { method: 'HEAD', cache: 'no-store' })
    // There is none, but who doesn't wait for its end has broken the answer off.
    await response.text()
    const { status, headers } = response
    return status === 404 || status === 410 || /^text\/html\b/.test(headers.get('Content-Type') ?? '')
  } catch {
    // Without a network nobody knows.
    return false
  }
}

/** Whether there is a new version: looked up whenever something goes wrong. @param trouble what went wrong; null for nothing */
export function useNewVersion(trouble: string | null): boolean {
  const [isThere, setThere] = useState(false)
  useEffect(() => {
    if (trouble === null) return
    let isOver = false
    isReplaced().then((answer) => {
      if (!isOver) setThere(answer)
    })
    return () => {
      isOver = true
    }
  }, [trouble])
  return isThere
}

export const newVersion = 'This page has a new version: reload it.'

export function ReloadButton() {
  return (
    <button type="button" onClick={() => location.reload()}>
      Reload
    </button>
  )
}

/** In the place of what could not be loaded. */
export function NotLoaded() {
  const hasNewVersion = useNewVersion('not loaded')
  return (
    <div class="not-loaded" role="status">
      <p>This part of the page could not be loaded. {hasNewVersion ? newVersion : 'Reload the page to try again.'}</p>
      <ReloadButton />
    </div>
  )
}
