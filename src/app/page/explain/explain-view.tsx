import type { Ref } from 'preact'
import { useState } from 'preact/hooks'
import type { Asked } from '../page-address.ts'
import { CameraInput } from '../pictures/camera.tsx'
import { DrawPad } from '../pictures/draw-pad.tsx'
import { FileDrop } from '../pictures/file-drop.tsx'
import type { ImageFilter } from '../pictures/image-filter.ts'
import { ImagePicker } from '../pictures/image-picker.tsx'
import { type Picture, testPicture } from '../pictures/picture.ts'
import { PictureView } from '../pictures/picture-view.tsx'
import { ProbabilityBars } from '../pictures/probability-bars.tsx'
import { usePrediction } from '../pictures/use-prediction.ts'
import type { DeviceStatus, Evaluation, ImageSet, OwnNetwork } from '../worker/engine-api.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { ExplanationPanel } from './explanation-panel.tsx'

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
  asked,
  onAsked,
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
  asked: Asked
  onAsked: (asked: Asked) => void
  onProblem: (problem: string | null) => void
}) {
  /** Once opened, the pad stays: it holds the drawing and its undo steps. */
  const [hasDrawn, setDrawn] = useState(false)
  const prediction = usePrediction(engine, asked.network, ownNetwork, picture, device, onProblem)
  return (
    <>
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
        <FileDrop onPicture={onPicture} onProblem={onProblem} />
        <CameraInput onPicture={onPicture} onProblem={onProblem} />
        <details class="drawing" onToggle={({ currentTarget: { open } }) => setDrawn((has) => has || open)}>
          <summary>Draw one, or draw on this one</summary>
          {hasDrawn && <DrawPad picture={picture} onPicture={onPicture} />}
        </details>
      </section>
      <section class="panel verdict" aria-labelledby="verdict-title">
        <h2 id="verdict-title">What the network sees</h2>
        <div class="prediction">
          <div>
            <PictureView picture={picture} prediction={prediction} onChange={onPicture} />
            <ProbabilityBars prediction={prediction} trueLabel={picture.trueLabel} />
          </div>
        </div>
      </section>
      <ExplanationPanel
        engine={engine}
        side="left"
        title="Why?"
        picture={picture}
        asked={asked}
        onAsked={onAsked}
        probabilities={prediction?.probabilities ?? null}
        device={device}
        ownNetwork={ownNetwork}
        onProblem={onProblem}
      />
    </>
  )
}
