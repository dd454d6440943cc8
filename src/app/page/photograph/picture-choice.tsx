import { useRef } from 'preact/hooks'
import { type Fit, fits } from '../../photographs/framing.ts'
import { Choice } from '../parts/choice.tsx'
import { CameraInput } from '../pictures/camera.tsx'
import { firstPictures } from './first-pictures.ts'

const fitTitles: Readonly<Record<Fit, string>> = {
  crop: 'The middle',
  squash: 'All of it, squashed',
}

/** The photograph that is looked at: a first one, a file, what a camera sees; and how it comes to the network's size. */
export function PictureChoice({
  chosen,
  fit,
  onFirst,
  onFile,
  onFit,
  onProblem,
}: {
  /** A first picture's name, or another's. */
  chosen: string
  fit: Fit
  onFirst: (id: string) => void
  onFile: (file: Blob, name: string) => void
  onFit: (fit: Fit) => void
  onProblem: (problem: string) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <section class="panel photograph-choice" aria-labelledby="pictures-title">
      <h2 id="pictures-title">Pick a photograph</h2>
      <ul class="first-pictures">
        {firstPictures.map(({ id, name, credit, address }) => (
          <li key={id}>
            <button type="button" aria-pressed={id === chosen} onClick={() => onFirst(id)}>
              <img src={address} alt="" />
              <span>{name}</span>
            </button>
            <span class="hint">{credit}</span>
          </li>
        ))}
      </ul>
      <div class="file-choice">
        <button type="button" onClick={() => input.current?.click()}>
          Choose a picture…
        </button>
        <span class="hint">or drop or paste one of your own, anywhere on the page. It stays in this browser.</span>
        <input
          ref={input}
          type="file"
          accept="image/*"
          class="visually-hidden"
          aria-label="A photograph of your own"
          tabIndex={-1}
          onChange={({ currentTarget }) => {
            const file = currentTarget.files?.[0]
            if (file) onFile(file, file.name)
            // The same file, changed, may be chosen again.
            currentTarget.value = ''
          }}
        />
      </div>
      <CameraInput
        hint="Fill the frame with what the network shall look at."
        onTaken={async (taken) => onFile(await jpegOf(taken), 'Camera picture')}
        onProblem={onProblem}
      />
      <Choice
        title="What the network gets to see"
        names={fits}
        titleOf={(name) => fitTitles[name]}
        chosen={fit}
        onChoose={onFit}
      />
    </section>
  )
}

/** A picture as a file, for those who open files. */
async function jpegOf(taken: ImageBitmap): Promise<Blob> {
  const canvas = new OffscreenCanvas(taken.width, taken.height)
  canvas.getContext('2d')?.drawImage(taken, 0, 0)
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 })
}
