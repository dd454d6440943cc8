/** The page's side of service-worker.ts: who starts it, and the one reload after which a page is cross-origin isolated. */

/** Holds as long as the tab: a page that does not get isolated by a reload is not reloaded again. */
const reloadedKey = 'limelight-reloaded-for-isolation'

/**
 * In ms after the page has loaded, when its Worker still fetches and compiles: keeping the site beside that holds the first
 * view up. Where a reload is due it is the sooner the better.
 */
const patience = crossOriginIsolated ? 3000 : 0

/**
 * Keeps the site for use without a network, once the page has loaded. Where its host sends no headers for cross-origin
 * isolation, the page is reloaded once, unless somebody has begun to use it: then the next visit is isolated.
 */
export function keepForOffline(): void {
  // Not there in insecure contexts.
  if (!('serviceWorker' in navigator)) return
  if (!crossOriginIsolated && !navigator.serviceWorker.controller) reloadWhenKept()
  const start = () => {
    const script = new URL('service-worker.js', document.baseURI)
    // Where site data is blocked, or the disk full, the page works as it does without.
    navigator.serviceWorker.register(script, { updateViaCache: 'none' }).catch(() => {})
  }
  const startLater = () => setTimeout(start, patience)
  if (document.readyState === 'complete') startLater()
  else addEventListener('load', startLater, { once: true })
}

function reloadWhenKept(): void {
  let isUsed = false
  const use = () => {
    isUsed = true
  }
  for (const event of ['pointerdown', 'keydown', 'wheel', 'drop', 'paste'])
    addEventListener(event, use, { once: true, capture: true, passive: true })
  const reload = () => {
    // An embedded page is as isolated as the page around it.
    if (isUsed || window !== top || !remembersReload()) return
    location.reload()
  }
  void navigator.serviceWorker.ready.then(reload)
}

/** Notes that a reload is due; false when there was one already, or nothing can be noted. */
function remembersReload(): boolean {
  try {
    if (sessionStorage.getItem(reloadedKey)) return false
    sessionStorage.setItem(reloadedKey, 'yes')
    return true
  } catch {
    return false
  }
}
