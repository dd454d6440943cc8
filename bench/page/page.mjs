/** The page that holds the workers. bench/chromium.mjs calls ask() and end() from outside. */
const workers = new Map()

globalThis.ask = (id, name, message) => {
  if (!workers.has(id)) workers.set(id, new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module', name }))
  const worker = workers.get(id)
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message: text }) => resolve({ error: `its worker failed: ${text}` })
    worker.postMessage(message)
  })
}

globalThis.end = (id) => {
  workers.get(id)?.terminate()
  workers.delete(id)
}
