import { LimelightError } from '../../../engine/errors.ts'
import { closeCamera } from './close-camera.ts'

/** A camera that looks. */
export interface Camera {
  readonly stream: MediaStream
  /** Which of the cameras it is. */
  readonly id: string
  /** All there are; the browser tells their names once one of them may be used. */
  readonly cameras: readonly { readonly id: string; readonly name: string }[]
  /** What the frame shows now of a video of this camera. */
  picture(video: HTMLVideoElement): Promise<ImageBitmap>
}

/** A small picture is made of it: more pixels would only take longer. */
const idealExtent = 720

/** What went wrong, by the name of the browser's error, and what to do. */
const problems: Readonly<Record<string, string>> = {
  NotAllowedError:
    "The camera may not be used: this was refused, or the system refuses it to the browser. Allow it in the browser's settings of this page and try again, or choose a file.",
  NotFoundError: 'No camera was found. Connect one and try again, or choose a file.',
  OverconstrainedError: 'This camera is not there any more. Choose another, or connect it again.',
  NotReadableError:
    'The camera gives no picture: another program may be using it. Close that and try again, or choose a file.',
}

/** What is said when it ends by itself. */
export const cameraStopped =
  'The camera stopped: it was unplugged, or may not be used any more. Try again, or choose a file.'

/**
 * Asks for a camera: the browser asks whoever sits before it. Whoever gets the camera has to close it.
 * @param id of one of the cameras; null for the one that looks away from the user, where there is a choice
 * @throws LimelightError that says why there is none, and what to do
 */
export async function openCamera(id: string | null): Promise<Camera> {
  const { mediaDevices } = navigator as { mediaDevices?: MediaDevices }
  if (!mediaDevices)
    throw new LimelightError(
      'The camera can only be used over HTTPS or on localhost: open the page there, or choose a file.',
    )
  const size = { width: { ideal: idealExtent }, height: { ideal: idealExtent } }
  const which = id === null ? { facingMode: 'environment' } : { deviceId: { exact: id } }
  let stream: MediaStream
  try {
    stream = await mediaDevices.getUserMedia({ video: { ...size, ...which }, audio: false })
  } catch (cause) {
    const { name, message } = cause instanceof Error ? cause : { name: '', message: String(cause) }
    const problem = problems[name] ?? `The camera does not start: ${message || name}. Try again, or choose a file.`
    throw new LimelightError(problem, { cause })
  }
  try {
    const devices = await mediaDevices.enumerateDevices()
    const cameras = devices
      .filter(({ kind }) => kind === 'videoinput')
      .map(({ deviceId, label }, i) => ({ id: deviceId, name: label || `Camera ${i + 1}` }))
    return { stream, id: stream.getVideoTracks()[0]?.getSettings().deviceId ?? '', cameras, picture: middleSquareOf }
  } catch (error) {
    closeCamera(stream)
    throw error
  }
}

function middleSquareOf(video: HTMLVideoElement): Promise<ImageBitmap> {
  const { videoWidth: width, videoHeight: height } = video
  const side = Math.min(width, height)
  return createImageBitmap(video, Math.floor((width - side) / 2), Math.floor((height - side) / 2), side, side)
}
