import { render } from 'preact'
import { App } from './app.tsx'
import { keepForOffline } from './offline.ts'
import { keepFocus } from './parts/keep-focus.ts'
import { startEngine } from './worker/engine-client.ts'

const place = document.getElementById('page')
if (place) {
  render(<App engine={startEngine()} />, place)
  keepFocus(place)
}
// The development server's files change all the time, and it has no service worker.
if (!import.meta.hot) keepForOffline()
