import { classNames } from '../../data/fashion-mnist.ts'
import { percent } from '../number-format.ts'
import { GreyCanvas } from './grey-canvas.tsx'
import { describePicture, inverted, type Picture } from './picture.ts'
import type { Prediction } from './use-prediction.ts'

/** The picture, what the network takes it for, and whether that is right. */
export function PictureView({
  picture,
  prediction,
  onChange,
}: {
  picture: Picture
  prediction: Prediction | null
  onChange: (picture: Picture) => void
}) {
  return (
    <div class="picture-view">
      <GreyCanvas pixels={picture.pixels} label={describePicture(picture)} />
      <div>
        <p class="picture-name">{picture.name}</p>
        {prediction && <Verdict picture={picture} prediction={prediction} />}
        {picture.index === null && (
          <div class="own-picture">
            <label class="check">
              <input
                type="checkbox"
                checked={picture.isInverted ?? false}
                onChange={() => onChange(inverted(picture))}
              />
              Invert
            </label>
            <p class="hint">
              {picture.isDarkOnLight && !picture.isInverted
                ? 'This looks dark on light. The network learned light clothes on black: try it inverted.'
                : 'The network learned light clothes on black, filling the picture.'}
            </p>
          </div>
        )}
      </div>
    </div>
  )
}

function Verdict({ picture: { trueLabel }, prediction }: { picture: Picture; prediction: Prediction }) {
  const { predicted, probabilities, isStale } = prediction
  const isRight = predicted === trueLabel
  return (
    <div class="verdict-line" aria-busy={isStale}>
      <p class="predicted">{classNames[predicted]}</p>
      <p>with {percent(probabilities[predicted])}</p>
      {trueLabel !== null && (
        <p class={isRight ? 'mark right' : 'mark wrong'}>
          {isRight ? '✓ right' : `✗ wrong: it is labelled ${classNames[trueLabel]}`}
        </p>
      )}
    </div>
  )
}
