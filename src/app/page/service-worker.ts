/**
 * The page without a network, and cross-origin isolated on hosts that can't send headers (GitHub Pages). It keeps every file
 * of one build, checked by SHA-256, and answers with these alone: a page never meets files of another version. The training
 * images are not among them; worker/training-data.ts keeps those.
 *
 * Files are kept by address and digest, so a new build fetches what changed. It waits until no page of the old one is open; a
 * reload of the only page counts as that. This script imports nothing: not every browser has service workers of modules.
 *
 * It claims no page that was opened before it was there; such a page has its files from the host until it is loaded again. A claim
 * waits for the Workers of all pages, and everything that loads would wait for the claim: one Worker that stands still
 * (worker/pulse.ts) would keep the site shut.
 */

/**
 * Files by their address below the page's, with the SHA-256 their content may have: there are two where a server may send a
 * .gz file unpacked.
 */
export type SiteFiles = Readonly<Record<string, readonly string[]>>

/** vite/offline-files.ts writes the build's list in its place. */
declare const SITE_FILES: SiteFiles

const worker = globalThis as unknown as ServiceWorkerGlobalScope
const files = SITE_FILES
const { scope } = worker.registration
/** Several builds may share an origin, each in a folder of its own. */
const cacheName = `limelight-site ${scope}`
const takeOver = 'take over'

/**
 * Shown for a moment in the page's place: has the version that waits take over, then loads the page from it. A mere answer
 * that makes the browser ask again would keep this version busy, and with it in office. Where nothing happens in five seconds,
 * this version goes on.
 */
const handOver = `<!doctype html><html lang="en"><title>Limelight</title><link rel="icon" href="data:,"><script>
navigator.serviceWorker.addEventListener('controllerchange', () => location.reload())
navigator.serviceWorker.ready.then(({ waiting }) => waiting ? waiting.postMessage('${takeOver}') : location.reload())
setTimeout(() => location.reload(), 5000)
</script></html>`
let hasHandedOver = false

/** Cross-origin isolation, for SharedArrayBuffer: the page itself and its Workers' scripts must have these. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

worker.addEventListener('install', (event) => event.waitUntil(keepAll()))
worker.addEventListener('activate', (event) => event.waitUntil(forgetOthers()))
worker.addEventListener('message', ({ data }) => {
  if (data === takeOver) worker.skipWaiting()
})
worker.addEventListener('fetch', (event) => {
  const path = pathOf(event.request)
  if (path !== null) event.respondWith(answer(event.request, path))
})

/** One after the other: the page may be loading yet. Where one fails the browser tries again on a later visit. */
async function keepAll(): Promise<void> {
  const cache = await caches.open(cacheName)
  for (const path of Object.keys(files)) {
    const key = keyOf(path)
    if (!(await cache.match(key))) await cache.put(key, await fetchVerified(path))
  }
}

async function forgetOthers(): Promise<void> {
  const cache = await caches.open(cacheName)
  const own = new Set(Object.keys(files).map(keyOf))
  for (const request of await cache.keys()) if (!own.has(request.url)) await cache.delete(request)
}

async function fetchVerified(path: string): Promise<Response> {
  const response = await fetch(new URL(path, scope), { cache: 'no-cache' })
  if (!response.ok) throw new Error(`${path}: the server answers ${response.status}`)
  const content = await response.arrayBuffer()
  const digest = Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', content)))
  if (!files[path].includes(digest.map((byte) => byte.toString(16).padStart(2, '0')).join('')))
    throw new Error(`${path} is not this version's: SHA-256 is none of ${files[path].join(', ')}`)
  return isolated(response, content)
}

async function answer(request: Request, path: string): Promise<Response> {
  const { waiting } = worker.registration
  if (request.mode === 'navigate' && waiting && !hasHandedOver && (await worker.clients.matchAll()).length < 2) {
    hasHandedOver = true
    // The only page is about to go: nothing needs this version any more.
    return isolated(new Response(null, { headers: { 'Content-Type': 'text/html' } }), handOver)
  }
  const kept = await (await caches.open(cacheName)).match(keyOf(path))
  if (kept) return kept
  // Browsers short of space may have thrown it away.
  const response = await fetch(request)
  return response.type === 'basic' ? isolated(response, response.body) : response
}

function isolated(response: Response, body: BodyInit | null): Response {
  const headers = new Headers(response.headers)
  // The body is no longer as it was sent, and there is one of it whoever asks.
  for (const name of ['Content-Encoding', 'Content-Length', 'Vary']) headers.delete(name)
  for (const [name, value] of Object.entries(isolation)) headers.set(name, value)
  return new Response(body, { status: response.status, statusText: response.statusText, headers })
}

/** Which of the files a request asks for; null when none. Some hosts drop the .html from addresses. */
function pathOf({ method, url }: Request): string | null {
  const { origin, pathname } = new URL(url)
  if (method !== 'GET' || !(origin + pathname).startsWith(scope)) return null
  const asked = (origin + pathname).slice(scope.length) || 'index.html'
  return [asked, `${asked}.html`].find((path) => Object.hasOwn(files, path)) ?? null
}

function keyOf(path: string): string {
  return `${new URL(path, scope)}?sha256=${files[path][0]}`
}
