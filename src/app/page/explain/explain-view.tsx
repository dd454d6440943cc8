import type { Ref } from 'preact'
import { useState } from 'preact/hooks'
import type { DeviceStatus, Evaluation, ImageSet, OwnNetwork } from '../contract/engine-api.ts'
import type { Asked } from '../contract/page-address.ts'
import { FileButton } from '../parts/file-button.tsx'
import { loadedWhenShown } from '../parts/loaded-when-shown.tsx'
import { CameraInput } from '../pictures/camera.tsx'
import type { ImageFilter } from '../pictures/image-filter.ts'
import { ImagePicker } from '../pictures/image-picker.tsx'
import { LikenessNote } from '../pictures/likeness-note.tsx'
import { cameraPicture, type Picture, testPicture } from '../pictures/picture.ts'
import { ProbabilityBars } from '../pictures/probability-bars.tsx'
import { usePrediction } from '../pictures/use-prediction.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { ExplanationPanel } from './explanation-panel.tsx'

const DrawPad = loadedWhenShown(async () => (await import('../pictures/draw-pad.tsx')).DrawPad)

/** One picture: chosen, predicted, explained. */
export function ExplainView({
  engine,
  device,
  ownNetwork,
  heading,
  images,
  evaluation,
  filter,
  onFilter,
  picture,
  onPicture,
  onFiles,
  asked,
  onAsked,
  isLinkWhole,
  onProblem,
}: {
  engine: EngineClient
  device: DeviceStatus | null
  ownNetwork: OwnNetwork | null
  /** Where the focus goes when other pictures are shown. */
  heading: Ref<HTMLHeadingElement>
  images: ImageSet
  evaluation: Evaluation | null
  filter: ImageFilter
  onFilter: (filter: ImageFilter) => void
  picture: Picture
  onPicture: (picture: Picture) => void
  onFiles: (files: readonly File[]) => void
  asked: Asked
  onAsked: (asked: Asked) => void
  /** Whether the page's address holds all that is shown. */
  isLinkWhole: boolean
  onProblem: (problem: string | null) => void
}) {
  /** Once opened, the pad stays: it holds the drawing and its undo steps. */
  const [hasDrawn, setDrawn] = useState(false)
  const prediction = usePrediction(engine, asked.network, ownNetwork, picture, device, onProblem)
  const name = prediction?.classNames[asked.label ?? prediction.predicted]
  return (
    <>
      <ExplanationPanel
        engine={engine}
        side="left"
        title={name ? `Why ${name}?` : 'Why?'}
        picture={picture}
        onPicture={onPicture}
        note={picture.index === null && <LikenessNote picture={picture} images={images} />}
        prediction={prediction}
        asked={asked}
        onAsked={onAsked}
        device={device}
        ownNetwork={ownNetwork}
        isLinkWhole={isLinkWhole}
        onProblem={onProblem}
      >
        <section class="verdict" aria-labelledby="verdict-title">
          <h3 id="verdict-title">How sure the network is of each class</h3>
          <ProbabilityBars prediction={prediction} trueLabel={picture.trueLabel} />
        </section>
      </ExplanationPanel>
      <section class="panel pictures" aria-labelledby="pictures-title">
        <h2 id="pictures-title" ref={heading} tabIndex={-1}>
          Pick a picture
        </h2>
        <ImagePicker
          images={images}
          evaluation={evaluation}
          filter={filter}
          selected={picture.index}
          onFilter={onFilter}
          onSelect={(index) => onPicture(testPicture(images, index))}
        />
        <div class="file-choice">
          <FileButton title="Choose a file…" label="A picture of your own" accept="image/*" onFiles={onFiles} />
          <span class="hint">or drop or paste a picture of your own, anywhere on the page</span>
        </div>
        <CameraInput
          hint="Fill the frame with one garment. Light on a dark ground works best."
          onTaken={async (taken) => onPicture(await cameraPicture(taken))}
          onProblem={onProblem}
        />
        <details class="drawing" onToggle={({ currentTarget: { open } }) => setDrawn((has) => has || open)}>
          <summary>Draw one, or draw on this one</summary>
          {hasDrawn && <DrawPad picture={picture} onPicture={onPicture} />}
        </details>
      </section>
    </>
  )
}
