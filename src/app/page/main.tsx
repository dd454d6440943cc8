import { render } from 'preact'
import { App } from './app.tsx'
import { startEngine } from './engine-client.ts'

const place = document.getElementById('page')
if (place) render(<App engine={startEngine()} />, place)
