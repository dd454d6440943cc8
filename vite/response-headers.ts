import type { Connect, Plugin } from 'vite'

/**
 * Under the first two the page is cross-origin isolated: SharedArrayBuffer exists, and with it WebAssembly threads. The others
 * keep files from being taken for what they are not, and from other sites. docs/hosting.md has them for other servers.
 */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/**
 * A Vite plugin: the headers of everything that its two servers send. Their own option leaves out what has not changed (304),
 * and WebKit takes a Worker's script for one without the headers then: it refuses to start it on every second visit.
 */
export function responseHeaders(): Plugin {
  const add: Connect.NextHandleFunction = (_request, response, next) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    next()
  }
  return {
    name: 'response-headers',
    configureServer: ({ middlewares }) => void middlewares.use(add),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(add),
  }
}
