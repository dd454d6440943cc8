import type { ImageSet } from '../../data/image-set.ts'
import type { DeviceStatus, OwnNetwork } from '../contract/engine-api.ts'
import type { Asked } from '../contract/page-address.ts'
import type { Side } from '../contract/side.ts'
import { ExplanationPanel } from '../explain/explanation-panel.tsx'
import { NetworkSelect } from '../parts/network-select.tsx'
import { ImageNumber } from '../pictures/image-number.tsx'
import { LikenessNote } from '../pictures/likeness-note.tsx'
import { type Picture, testPicture } from '../pictures/picture.ts'
import { usePrediction } from '../pictures/use-prediction.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import type { Accuracies } from '../worker/use-engine.ts'

export interface ComparedSide {
  readonly side: Side
  readonly title: string
  readonly picture: Picture
  readonly onPicture: (picture: Picture | null) => void
  /** Whether it shows the other side's picture; null where it can't. */
  readonly isSame: boolean | null
  readonly asked: Asked
  readonly onAsked: (asked: Asked) => void
}

/** Two explanations side by side: of two pictures, classes, segmenters, seeds or networks. */
export function CompareView({
  engine,
  images,
  device,
  ownNetwork,
  accuracies,
  compared,
  isLinkWhole,
  onProblem,
}: {
  engine: EngineClient
  images: ImageSet
  device: DeviceStatus | null
  ownNetwork: OwnNetwork | null
  accuracies: Accuracies
  compared: readonly ComparedSide[]
  /** Whether the page's address holds all that is shown. */
  isLinkWhole: boolean
  onProblem: (problem: string | null) => void
}) {
  return (
    <div class="compare">
      {compared.map((each) => (
        <Compared
          key={each.side}
          {...each}
          engine={engine}
          images={images}
          device={device}
          ownNetwork={ownNetwork}
          accuracies={accuracies}
          isLinkWhole={isLinkWhole}
          onProblem={onProblem}
        />
      ))}
    </div>
  )
}

function Compared({
  engine,
  images,
  device,
  ownNetwork,
  accuracies,
  side,
  title,
  picture,
  onPicture,
  isSame,
  asked,
  onAsked,
  isLinkWhole,
  onProblem,
}: ComparedSide & {
  engine: EngineClient
  images: ImageSet
  device: DeviceStatus | null
  ownNetwork: OwnNetwork | null
  accuracies: Accuracies
  isLinkWhole: boolean
  onProblem: (problem: string | null) => void
}) {
  const prediction = usePrediction(engine, asked.network, ownNetwork, picture, device, onProblem)
  return (
    <ExplanationPanel
      engine={engine}
      side={side}
      title={title}
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
      <fieldset class="compared-picture">
        <legend class="visually-hidden">{title}: the picture</legend>
        <ImageNumber
          title="Test image"
          count={images.count}
          index={picture.index}
          isDisabled={isSame ?? false}
          onIndex={(index) => onPicture(testPicture(images, index))}
        />
        <NetworkSelect
          network={asked.network}
          ownNetwork={ownNetwork}
          accuracies={accuracies}
          onNetwork={(network) => onAsked({ ...asked, network })}
        />
        {isSame !== null && (
          <label class="check">
            <input type="checkbox" checked={isSame} onChange={() => onPicture(isSame ? picture : null)} />
            The same picture
          </label>
        )}
      </fieldset>
    </ExplanationPanel>
  )
}
