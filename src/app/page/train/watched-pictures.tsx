import { useMemo, useState } from 'preact/hooks'
import type { ImageSet } from '../../data/image-set.ts'
import { task } from '../../tasks/chosen-task.ts'
import type { WatchedMoment, WatchedPicture } from '../contract/engine-api.ts'
import { sharesOf } from '../explain/evidence-figure.tsx'
import { percent } from '../number-format.ts'
import { OverlayCanvas } from '../parts/overlay-canvas.tsx'
import { testPicture } from '../pictures/picture.ts'

/** More would hold the training up. */
const maxWatched = 4

/** The pictures that are explained while the network learns: as they are now, and how they were. */
export function WatchedPictures({
  images,
  watched,
  onWatched,
  canChange,
  moments,
}: {
  images: ImageSet
  /** Numbers of test images. */
  watched: readonly number[]
  onWatched: (watched: readonly number[]) => void
  canChange: boolean
  moments: readonly WatchedMoment[]
}) {
  const [number, setNumber] = useState('')
  const [at, setAt] = useState<number | null>(null)
  const shownAt = at === null ? moments.length - 1 : Math.min(at, moments.length - 1)
  const moment = moments.at(shownAt)
  return (
    <section class="watched" aria-labelledby="watched-title">
      <h3 id="watched-title">Watch it learn</h3>
      <p class="hint">
        What speaks for the true class of these pictures (green) and against it (magenta), explained again and again
        during the training.
      </p>
      <ul>
        {watched.map((index) => (
          <WatchedCard
            key={index}
            images={images}
            index={index}
            seen={moment?.pictures.find((picture) => picture.index === index) ?? null}
            onRemove={canChange ? () => onWatched(watched.filter((other) => other !== index)) : null}
          />
        ))}
      </ul>
      {moments.length > 1 && (
        <label class="moments">
          <span class="slider-title">
            <span>Look back</span>
            <span>{moment && `epoch ${moment.epoch}, step ${moment.step}`}</span>
          </span>
          <input
            type="range"
            min={0}
            max={moments.length - 1}
            step={1}
            value={shownAt}
            onInput={({ currentTarget }) => {
              const value = currentTarget.valueAsNumber
              // At its end it goes along with the training.
              setAt(value === moments.length - 1 ? null : value)
            }}
          />
        </label>
      )}
      {canChange && watched.length < maxWatched && (
        <form
          class="watch-more"
          onSubmit={(event) => {
            event.preventDefault()
            const index = Number(number)
            if (!watched.includes(index)) onWatched([...watched, index])
            setNumber('')
          }}
        >
          <label>
            Test image to watch
            <input
              type="number"
              required
              min={0}
              max={images.count - 1}
              value={number}
              onInput={({ currentTarget }) => setNumber(currentTarget.value)}
            />
          </label>
          <button type="submit">Watch</button>
        </form>
      )}
    </section>
  )
}

function WatchedCard({
  images,
  index,
  seen,
  onRemove,
}: {
  images: ImageSet
  index: number
  seen: WatchedPicture | null
  onRemove: (() => void) | null
}) {
  const { pixels, trueLabel } = useMemo(() => testPicture(images, index), [images, index])
  const name = task.classNames[trueLabel ?? 0]
  const shares = useMemo(() => sharesOf(seen?.weights ?? []), [seen])
  const segments = useMemo(() => seen?.segments ?? new Int32Array(pixels.length), [seen, pixels])
  return (
    <li data-index={index}>
      <OverlayCanvas
        pixels={pixels}
        segments={segments}
        shares={shares}
        label={`Test image ${index}: ${name}${seen ? ', explained' : ''}`}
      />
      <p>
        <strong>{name}</strong> {seen && percent(seen.trueProbability)}
      </p>
      <p class={seen && seen.predicted === trueLabel ? 'mark right' : 'mark wrong'}>
        {seen &&
          (seen.predicted === trueLabel
            ? '✓ right'
            : `✗ ${task.classNames[seen.predicted]}, ${percent(seen.probability)}`)}
      </p>
      {onRemove && (
        <button type="button" class="quiet icon" aria-label={`Stop watching image ${index}`} onClick={onRemove}>
          ×
        </button>
      )}
    </li>
  )
}
