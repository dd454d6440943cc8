import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { messageOf } from '../worker/use-engine.ts'
import { type Camera, closeCamera, openCamera } from './open-camera.ts'
import type { Picture } from './picture.ts'

type CameraState =
  | { readonly phase: 'closed' }
  | { readonly phase: 'asking' }
  | { readonly phase: 'open'; readonly camera: Camera; readonly isLive: boolean }

/** Takes a picture with a camera, which is on only from the press of the button to the picture, or to whatever comes between. */
export function CameraInput({
  onPicture,
  onProblem,
}: {
  onPicture: (picture: Picture) => void
  onProblem: (problem: string) => void
}) {
  const [state, setState] = useState<CameraState>({ phase: 'closed' })
  const callbacks = useRef({ onPicture, onProblem })
  callbacks.current = { onPicture, onProblem }
  /** What has to be stopped, whatever happens. */
  const held = useRef<MediaStream | null>(null)
  /** Counts what was asked for: a camera that comes when nobody waits for it any more is closed at once. */
  const asked = useRef(0)
  const video = useRef<HTMLVideoElement>(null)

  const release = () => {
    asked.current++
    if (held.current) closeCamera(held.current)
    held.current = null
  }
  const close = (problem?: string) => {
    release()
    setState({ phase: 'closed' })
    if (problem) callbacks.current.onProblem(problem)
  }
  const open = async (id: string | null) => {
    release()
    const own = asked.current
    setState({ phase: 'asking' })
    try {
      const camera = await openCamera(id)
      if (own !== asked.current) return closeCamera(camera.stream)
      held.current = camera.stream
      for (const track of camera.stream.getTracks())
        track.addEventListener('ended', () => {
          if (held.current === camera.stream)
            close('The camera stopped: it was unplugged, or may not be used any more. Try again, or choose a file.')
        })
      setState({ phase: 'open', camera, isLive: false })
    } catch (error) {
      if (own === asked.current) close(messageOf(error))
    }
  }
  // The video may say so when it is closed already.
  const setLive = (camera: Camera) =>
    setState((now) => (now.phase === 'open' && now.camera === camera ? { ...now, isLive: true } : now))
  const take = async () => {
    if (!video.current) return
    const own = asked.current
    try {
      const bitmap = await createImageBitmap(...middleSquareOf(video.current))
      if (own !== asked.current) return bitmap.close()
      close()
      const { pictureFromBitmap } = await import('./picture-from-file.ts')
      const { pixels, isDarkOnLight } = pictureFromBitmap(bitmap, "The camera's picture")
      bitmap.close()
      callbacks.current.onPicture({ pixels, name: 'Camera picture', trueLabel: null, index: null, isDarkOnLight })
    } catch (error) {
      close(`The picture could not be taken: ${messageOf(error)}`)
    }
  }

  // Nobody is filmed by a page that is gone, or that nobody looks at.
  useEffect(() => {
    const leave = () => {
      if (held.current && document.visibilityState === 'hidden') close()
    }
    document.addEventListener('visibilitychange', leave)
    addEventListener('pagehide', release)
    return () => {
      document.removeEventListener('visibilitychange', leave)
      removeEventListener('pagehide', release)
      release()
    }
  }, [])

  // The button that was pressed is gone, and the focus with it: it goes on where the next press belongs.
  const opener = useRef<HTMLButtonElement>(null)
  const shutter = useRef<HTMLButtonElement>(null)
  const cancel = useRef<HTMLButtonElement>(null)
  const wasOpen = useRef(false)
  const isLive = state.phase === 'open' && state.isLive
  useLayoutEffect(() => {
    const { activeElement, body } = document
    const isLost = activeElement === body || activeElement === cancel.current
    const next = state.phase === 'closed' ? opener : isLive ? shutter : cancel
    if (isLost && (wasOpen.current || state.phase !== 'closed')) next.current?.focus()
    wasOpen.current = state.phase !== 'closed'
  }, [state.phase, isLive])

  if (state.phase === 'closed')
    return (
      <button ref={opener} type="button" onClick={() => open(null)}>
        Use the camera…
      </button>
    )
  return (
    <fieldset class="camera" onKeyDown={({ key }) => key === 'Escape' && close()}>
      <legend class="visually-hidden">Camera</legend>
      {state.phase === 'open' ? (
        <div class="camera-view">
          <video
            ref={video}
            key={state.camera.id}
            srcObject={state.camera.stream}
            autoplay
            muted
            playsInline
            aria-label="What the camera sees"
            onLoadedData={() => setLive(state.camera)}
          />
          <span class="camera-guide" aria-hidden="true" />
        </div>
      ) : (
        <p class="camera-view" role="status">
          Waiting for the camera. The browser may ask whether it may be used.
        </p>
      )}
      {state.phase === 'open' && (
        <>
          <p class="hint">Fill the frame with one garment. Light on a dark ground works best.</p>
          {state.camera.cameras.length > 1 && (
            <label>
              Camera
              <select value={state.camera.id} onChange={({ currentTarget }) => open(currentTarget.value)}>
                {state.camera.cameras.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          )}
        </>
      )}
      <div class="camera-buttons">
        {state.phase === 'open' && (
          <button ref={shutter} type="button" class="primary" disabled={!isLive} onClick={take}>
            Take picture
          </button>
        )}
        <button ref={cancel} type="button" onClick={() => close()}>
          Cancel
        </button>
      </div>
    </fieldset>
  )
}

/** What the frame shows of a video, for createImageBitmap. */
function middleSquareOf(
  video: HTMLVideoElement,
): [source: HTMLVideoElement, left: number, top: number, width: number, height: number] {
  const { videoWidth: width, videoHeight: height } = video
  const side = Math.min(width, height)
  return [video, Math.floor((width - side) / 2), Math.floor((height - side) / 2), side, side]
}
