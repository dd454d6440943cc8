import { type Fit, fits } from '../../photographs/framing.ts'
import { Choice } from '../parts/choice.tsx'
import { FileButton } from '../parts/file-button.tsx'
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
        <FileButton
          title="Choose a picture…"
          label="A photograph of your own"
          accept="image/*"
          onFiles={([file]) => onFile(file, file.name)}
        />
        <span class="hint">or drop or paste one of your own, anywhere on the page. It stays in this browser.</span>
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
