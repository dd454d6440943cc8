import type { ComponentChildren } from 'preact'
import { type ExplanationSettings, methodChoices } from '../contract/explanation-settings.ts'
import type { Side } from '../contract/side.ts'
import { GreyCanvas } from '../pictures/grey-canvas.tsx'
import { describePicture, type Picture } from '../pictures/picture.ts'
import { PictureView } from '../pictures/picture-view.tsx'
import type { Prediction } from '../pictures/use-prediction.ts'
import { Consequence } from './consequence.tsx'
import { EvidenceFigure } from './evidence-figure.tsx'
import { type Look, LookChoice } from './look-choice.tsx'
import type { ExplanationRun } from './use-explanation.ts'
import type { Hiding } from './use-hiding.ts'
import { WhatIf } from './what-if.tsx'

/** The picture and what the network says of it, its evidence, and what follows. */
export function Answer({
  side,
  picture,
  onPicture,
  note,
  prediction,
  run: { state, shown, explained, isStale },
  method,
  look,
  onLook,
  hiding,
}: {
  side: Side
  picture: Picture
  onPicture: (picture: Picture) => void
  /** What is to be said of the picture itself. */
  note: ComponentChildren
  prediction: Prediction | null
  run: ExplanationRun
  method: ExplanationSettings['method']
  look: Look
  onLook: (look: Look) => void
  hiding: Hiding
}) {
  return (
    <div class="answer">
      <PictureView picture={picture} prediction={prediction} note={note} onChange={onPicture} />
      {shown && explained ? (
        <EvidenceFigure
          picture={shown.picture}
          result={shown.result}
          explained={explained}
          shows={look.shows === 'panels' ? 'overlay' : look.shows}
          isStale={isStale}
          hiding={hiding}
        />
      ) : (
        <figure class="answer-picture">
          <GreyCanvas pixels={picture.pixels} label={describePicture(picture)} />
        </figure>
      )}
      <div class={isStale ? 'answer-words is-stale' : 'answer-words'}>
        {shown && explained ? (
          <>
            <Consequence
              explained={explained}
              classNames={shown.result.classNames}
              flip={shown.result.flip}
              hiding={hiding}
            />
            <WhatIf explained={explained} classNames={shown.result.classNames} hiding={hiding} />
            <LookChoice side={side} look={look} onLook={onLook} />
          </>
        ) : state.phase === 'stopped' ? (
          <p class="empty">Stopped before the end, so there is nothing to show. Explain again whenever you like.</p>
        ) : (
          state.phase !== 'running' && <p class="empty">{methodChoices[method].idea}</p>
        )}
      </div>
    </div>
  )
}
