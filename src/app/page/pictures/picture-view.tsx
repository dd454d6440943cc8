import type { ComponentChildren } from 'preact'
import { percent } from '../number-format.ts'
import { GreyCanvas } from './grey-canvas.tsx'
import { describePicture, inverted, labelAmong, type Picture } from './picture.ts'
import type { Prediction } from './use-prediction.ts'

/** The picture, what the network takes it for, and whether that is right. */
export function PictureView({
  picture,
  prediction,
  note,
  onChange,
}: {
  picture: Picture
  prediction: Prediction | null
  /** What is to be said of a picture of one's own. */
  note: ComponentChildren
  onChange: (picture: Picture) => void
}) {
  return (
    <div class="picture-view">
      <GreyCanvas pixels={picture.pixels} label={describePicture(picture)} />
      <div>
        <p class="picture-name">{picture.name}</p>
        {prediction && <Verdict picture={picture} prediction={prediction} />}
      </div>
      {picture.index === null && (
        <div class="own-picture">
          <p class="hint" role="status">
            {picture.isInverted
              ? 'Inverted: dark and light are exchanged.'
              : picture.isDarkOnLight
                ? 'This looks dark on light. The network learned light clothes on black. Should it be inverted?'
                : 'The network learned light clothes on black, filling the picture.'}
          </p>
          {/* One button in both states: the focus stays on it. */}
          <button type="button" onClick={() => onChange(inverted(picture))}>
            {picture.isInverted ? 'Undo' : 'Invert'}
          </button>
          {note}
        </div>
      )}
    </div>
  )
}

function Verdict({ picture, prediction }: { picture: Picture; prediction: Prediction }) {
  const { predicted, probabilities, classNames, isStale } = prediction
  const trueLabel = labelAmong(classNames, picture.trueLabel)
  const isRight = predicted === trueLabel
  return (
    <div class="verdict-line" aria-busy={isStale}>
      <p>
        The network says <strong class="predicted">{classNames[predicted]}</strong> with{' '}
        {percent(probabilities[predicted])}
      </p>
      {trueLabel !== null && (
        <p class={isRight ? 'mark right' : 'mark wrong'}>
          {isRight ? '✓ right' : `✗ wrong: it is labelled ${classNames[trueLabel]}`}
        </p>
      )}
    </div>
  )
}
