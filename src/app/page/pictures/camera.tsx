import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Camera } from './open-camera.ts'
import { type CameraState, useCamera } from './use-camera.ts'

/** Takes a picture with a camera: the middle square of what it sees. */
export function CameraInput({
  hint,
  onTaken,
  onProblem,
}: {
  /** What to point it at. */
  hint: string
  /** Takes the picture, and says when it is done with it. */
  onTaken: (taken: ImageBitmap) => Promise<void>
  onProblem: (problem: string) => void
}) {
  const { state, open, close, setLive, take } = useCamera(onTaken, onProblem)
  const video = useRef<HTMLVideoElement>(null)
  const { opener, shutter, cancel } = useLedFocus(state)
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
          <p class="hint">{hint}</p>
          <CameraSelect camera={state.camera} onCamera={open} />
        </>
      )}
      <div class="camera-buttons">
        {state.phase === 'open' && (
          <button
            ref={shutter}
            type="button"
            class="primary"
            disabled={!state.isLive}
            onClick={() => video.current && take(video.current)}
          >
            Take picture
          </button>
        )}
        <button ref={cancel} type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </fieldset>
  )
}

/** Another camera, where there are several. */
function CameraSelect({ camera: { id, cameras }, onCamera }: { camera: Camera; onCamera: (id: string) => void }) {
  if (cameras.length < 2) return null
  return (
    <label>
      Camera
      <select value={id} onChange={({ currentTarget }) => onCamera(currentTarget.value)}>
        {cameras.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name}
          </option>
        ))}
      </select>
    </label>
  )
}

/** The button that was pressed is gone, and the focus with it: it goes on where the next press belongs. */
function useLedFocus(state: CameraState): Record<'opener' | 'shutter' | 'cancel', RefObject<HTMLButtonElement | null>> {
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
  return { opener, shutter, cancel }
}
