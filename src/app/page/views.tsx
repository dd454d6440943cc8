import type { Ref } from 'preact'
import type { ComparedSide } from './compare/compare-view.tsx'
import type { DeviceStatus, ImageSet, OwnNetwork } from './contract/engine-api.ts'
import { ExplainView } from './explain/explain-view.tsx'
import type { Judging } from './judge/use-judging.ts'
import { loadStyle } from './parts/load-style.ts'
import { loadedWhenShown } from './parts/loaded-when-shown.tsx'
import type { ImageFilter } from './pictures/image-filter.ts'
import { type Picture, testPicture } from './pictures/picture.ts'
import { askedOfPresent, type Place } from './places/use-place.ts'
import type { OpenedResults } from './results/opened-results.ts'
import type { KeepResults } from './results/use-results.ts'
import type { TrainingControl } from './train/use-training.ts'
import type { EngineClient } from './worker/engine-client.ts'
import type { Accuracies } from './worker/use-engine.ts'

const CompareView = loadedWhenShown(async () => (await import('./compare/compare-view.tsx')).CompareView)
const PhotographMode = loadedWhenShown(async () => {
  const { PhotographMode, styles } = await import('./photograph/photograph-mode.tsx')
  await loadStyle(styles)
  return PhotographMode
})
const TrainingPanel = loadedWhenShown(async () => (await import('./train/training-panel.tsx')).TrainingPanel)
const ResultsView = loadedWhenShown(async () => {
  const { ResultsView, styles } = await import('./results/results-view.tsx')
  await loadStyle(styles)
  return ResultsView
})
const JudgeView = loadedWhenShown(async () => (await import('./judge/judge-view.tsx')).JudgeView)

/** What the views share. */
interface Shared {
  readonly engine: EngineClient
  readonly images: ImageSet
  readonly device: DeviceStatus | null
  readonly ownNetwork: OwnNetwork | null
  readonly accuracies: Accuracies
  readonly onProblem: (problem: string | null) => void
}

/** The view that is looked at. */
export function ShownView({
  place,
  picture,
  judging,
  training,
  heading,
  onPicture,
  onFiles,
  onOpen,
  dropped,
  onDroppedTaken,
  results,
  onResults,
  ...shared
}: Shared & {
  place: Place
  picture: Picture
  judging: Judging
  training: TrainingControl
  /** Where the focus goes when other pictures are shown. */
  heading: Ref<HTMLHeadingElement>
  onPicture: (picture: Picture) => void
  onFiles: (files: readonly File[]) => void
  /** Shows these pictures. */
  onOpen: (filter: ImageFilter) => void
  /** What is open of results; they are not shown by an address. */
  results: OpenedResults | null
  onResults: KeepResults
  /** Files for photographs or of results that were dropped or pasted. */
  dropped: readonly File[] | null
  onDroppedTaken: () => void
}) {
  const { view, left, rightPicture, setLeft, go } = place
  const { engine, images, device, ownNetwork, onProblem } = shared
  const asked = askedOfPresent(left, ownNetwork)
  const { judgement, average, evaluation, filter, setFilter } = judging
  if (place.mode === 'photograph' && (view === 'explain' || view === 'compare'))
    return (
      <PhotographMode
        engine={engine}
        device={device}
        view={view}
        dropped={dropped}
        onDroppedTaken={onDroppedTaken}
        onProblem={onProblem}
      />
    )
  switch (view) {
    case 'explain':
      return (
        <ExplainView
          {...shared}
          heading={heading}
          evaluation={evaluation}
          filter={filter}
          onFilter={setFilter}
          picture={picture}
          onPicture={onPicture}
          onFiles={onFiles}
          asked={asked}
          onAsked={setLeft}
          isLinkWhole={picture.index !== null}
        />
      )
    case 'compare':
      return (
        <CompareView
          {...shared}
          isLinkWhole={picture.index !== null && rightPicture?.index !== null}
          compared={comparedSides(place, picture, ownNetwork, onPicture)}
        />
      )
    case 'train':
      return (
        <TrainingPanel
          {...shared}
          training={training}
          onUse={() => {
            setLeft({ ...left, network: 'own' })
            go('explain')
          }}
        />
      )
    case 'judge':
      return (
        <JudgeView
          engine={engine}
          network={asked.network}
          total={images.count}
          canJudge={device !== null}
          judgement={judgement}
          average={average}
          onOpen={onOpen}
          onProblem={onProblem}
        />
      )
    case 'results':
      return (
        <ResultsView
          {...shared}
          network={asked.network}
          opened={results}
          onOpened={onResults}
          dropped={dropped}
          onDroppedTaken={onDroppedTaken}
          onExplain={(side) => {
            // Whoever came from photographs is to see the test image.
            place.setMode('data-set')
            setLeft(side)
            if (side.image !== null) onPicture(testPicture(images, side.image))
            go('explain')
          }}
        />
      )
  }
}

function comparedSides(
  { left, right, rightPicture, setLeft, setRight, setRightPicture }: Place,
  picture: Picture,
  ownNetwork: OwnNetwork | null,
  onPicture: (picture: Picture) => void,
): ComparedSide[] {
  return [
    {
      side: 'left',
      title: 'First explanation',
      picture,
      onPicture: (taken) => taken && onPicture(taken),
      isSame: null,
      asked: askedOfPresent(left, ownNetwork),
      onAsked: setLeft,
    },
    {
      side: 'right',
      title: 'Second explanation',
      picture: rightPicture ?? picture,
      onPicture: setRightPicture,
      isSame: rightPicture === null,
      asked: askedOfPresent(right, ownNetwork),
      onAsked: setRight,
    },
  ]
}
