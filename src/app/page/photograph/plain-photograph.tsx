import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Pixels } from '../contract/photograph-api.ts'
import type { OpenedPhotograph } from './use-photograph.ts'

/** The photograph as it is, or why there is none. */
export function PlainPhotograph({ opened }: { opened: OpenedPhotograph }) {
  switch (opened.phase) {
    case 'open': {
      const { name, shown } = opened.photograph
      return <PixelCanvas pixels={shown} label={name} />
    }
    case 'opening':
      return (
        <p class="no-photograph" role="status">
          Opening the picture…
        </p>
      )
    case 'missing':
      return (
        <p class="no-photograph asked-for" role="status">
          This link was made with somebody’s own picture, which no link can hold. If you have it, choose it, or drop it
          here; or pick another photograph.
        </p>
      )
    case 'failed':
      return <p class="no-photograph">No picture. Choose one, or drop it here.</p>
  }
}

function PixelCanvas({ pixels: { data, height, width }, label }: { pixels: Pixels; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0)
  }, [data, height, width])
  return <canvas ref={canvas} class="photograph" width={width} height={height} role="img" aria-label={label} />
}
