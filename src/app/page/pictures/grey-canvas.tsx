import { useLayoutEffect, useRef } from 'preact/hooks'
import { task } from '../../tasks/chosen-task.ts'

const [height, width] = task.inputShape

/** A picture of the network's size, one canvas pixel a pixel; the style sheet enlarges it with sharp edges. */
export function GreyCanvas({ pixels, label }: { pixels: Uint8Array; label?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context) return
    const picture = context.createImageData(width, height)
    for (let i = 0; i < pixels.length; i++) {
      picture.data.fill(pixels[i], 4 * i, 4 * i + 3)
      picture.data[4 * i + 3] = 255
    }
    context.putImageData(picture, 0, 0)
  }, [pixels])
  return (
    <canvas
      ref={canvas}
      width={width}
      height={height}
      {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true })}
    />
  )
}
