import { render } from 'preact'
import { BenchmarkPage } from './benchmark-page.tsx'

const place = document.getElementById('page')
if (place) render(<BenchmarkPage />, place)
