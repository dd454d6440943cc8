import { useEffect, useRef, useState } from 'preact/hooks'
import { messageOf } from '../worker/use-engine.ts'
import { closeCamera } from './close-camera.ts'
import type { Camera } from './open-camera.ts'

export type CameraState =
  | { readonly phase: 'closed' }
  | { readonly phase: 'asking' }
  | { readonly phase: 'open'; readonly camera: Camera; readonly isLive: boolean }

export interface CameraControl {
  readonly state: CameraState
  /** @param id of one of the cameras; null for the one that looks away from the user, where there is a choice */
  open(id: string | null): void
  close(): void
  /** The video of this camera has begun. */
  setLive(camera: Camera): void
  /** Makes a picture of what the video shows now, and closes the camera. */
  take(video: HTMLVideoElement): void
}

/** A camera that is on only while somebody looks: from the press of the button to the picture, or to whatever comes between. */
export function useCamera(
  onTaken: (taken: ImageBitmap) => Promise<void>,
  onProblem: (problem: string) => void,
): CameraControl {
  const [state, setState] = useState<CameraState>({ phase: 'closed' })
  const callbacks = useRef({ onTaken, onProblem })
  callbacks.current = { onTaken, onProblem }
  /** What has to be stopped, whatever happens. */
  const held = useRef<MediaStream | null>(null)
  /** Counts what was asked for: a camera that comes when nobody waits for it any more is closed at once. */
  const asked = useRef(0)

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
      // Few ask for one: the first view does without it.
      const { cameraStopped, openCamera } = await import('./open-camera.ts')
      const camera = await openCamera(id)
      if (own !== asked.current) return closeCamera(camera.stream)
      held.current = camera.stream
      for (const track of camera.stream.getTracks())
        track.addEventListener('ended', () => {
          if (held.current === camera.stream) close(cameraStopped)
        })
      setState({ phase: 'open', camera, isLive: false })
    } catch (error) {
      if (own === asked.current) close(messageOf(error))
    }
  }
  // The video may say so when it is closed already.
  const setLive = (camera: Camera) =>
    setState((now) => (now.phase === 'open' && now.camera === camera ? { ...now, isLive: true } : now))
  const take = async (video: HTMLVideoElement) => {
    if (state.phase !== 'open') return
    const own = asked.current
    try {
      const bitmap = await state.camera.picture(video)
      if (own !== asked.current) return bitmap.close()
      close()
      await callbacks.current.onTaken(bitmap).finally(() => bitmap.close())
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
  return { state, open, close: () => close(), setLive, take }
}
