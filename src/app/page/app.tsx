import { useCallback, useRef, useState } from 'preact/hooks'
import { showsPhotographs } from './contract/page-address.ts'
import { useJudging } from './judge/use-judging.ts'
import { DeviceBadge } from './parts/device-badge.tsx'
import { NetworkSelect } from './parts/network-select.tsx'
import { Notice } from './parts/notice.tsx'
import { useFiles } from './parts/use-files.ts'
import { ModeNavigation, ViewNavigation } from './parts/view-navigation.tsx'
import { type ImageFilter, shownImages } from './pictures/image-filter.ts'
import { type Picture, testPicture } from './pictures/picture.ts'
import { askedOfPresent, usePlace } from './places/use-place.ts'
import type { OpenedResults } from './results/opened-results.ts'
import { useTraining } from './train/use-training.ts'
import { ShownView } from './views.tsx'
import type { EngineClient } from './worker/engine-client.ts'
import { messageOf, useEngine } from './worker/use-engine.ts'

export function App({ engine }: { engine: EngineClient }) {
  const [problem, setProblem] = useState<string | null>(null)
  const { loaded, device, ownNetwork, accuracies, isSwitching, failure, switchDevice } = useEngine(engine, setProblem)
  const images = loaded?.images ?? null
  const place = usePlace(images, ownNetwork, setProblem)
  const { view, mode, picture, left, setLeft, setPicture, setMode, go } = place
  const isOfPhotographs = showsPhotographs(place)
  const { network } = askedOfPresent(left, ownNetwork)
  const training = useTraining(engine, loaded?.interrupted ?? null, setProblem)
  const judging = useJudging(engine, network === 'own' ? ownNetwork : network, setProblem)

  const take = useCallback(
    (taken: Picture) => {
      setProblem(null)
      setPicture(taken)
    },
    [setPicture],
  )
  /** Kept while other views are looked at. */
  const [results, setResults] = useState<OpenedResults | null>(null)
  /** Files for photographs or of results, whose views take them by themselves. */
  const [dropped, setDropped] = useState<readonly File[] | null>(null)
  const onDroppedTaken = useCallback(() => setDropped(null), [])
  const takeFiles = (files: readonly File[]) => {
    setProblem(null)
    if (files.some(isOfResults) || (view === 'results' && results && files.every(isBesideResults))) {
      setDropped(files)
      if (view !== 'results') go('results')
      return
    }
    if (isOfPhotographs) return setDropped(files)
    const takePhotographNetwork = () => {
      setDropped(files)
      setMode('photograph')
      go('explain')
    }
    import('./open-files.ts')
      .then(({ openFiles }) => openFiles(files, engine, place, take, takePhotographNetwork))
      .catch((error) => setProblem(messageOf(error)))
  }
  const isOver = useFiles(takeFiles)
  const pictures = useRef<HTMLHeadingElement>(null)
  const openPictures = (shown: ImageFilter) => {
    if (!images) return
    judging.setFilter(shown)
    const [first] = shownImages(shown, images, judging.evaluation)
    if (first !== undefined) take(testPicture(images, first))
    go('explain')
    requestAnimationFrame(() => {
      pictures.current?.scrollIntoView()
      pictures.current?.focus({ preventScroll: true })
    })
  }

  return (
    <>
      <a class="skip-link" href="#content">
        Skip to the content
      </a>
      <header class="masthead">
        <div>
          <h1>Limelight</h1>
          <p class="tagline">Why does the network say so?</p>
        </div>
        <ViewNavigation view={view} onView={go} />
        {(view === 'explain' || view === 'compare') && <ModeNavigation view={view} mode={mode} onMode={setMode} />}
        <div class="masthead-tools">
          {view !== 'compare' && !isOfPhotographs && (
            <NetworkSelect
              network={network}
              ownNetwork={ownNetwork}
              accuracies={accuracies}
              onNetwork={(name) => setLeft({ ...left, network: name })}
            />
          )}
        </div>
      </header>
      <Notice message={failure ?? problem} onDismiss={failure ? null : () => setProblem(null)} />
      {!images && !failure && (
        <p class="loading" role="status">
          Loading the network and 10,000 test images…
        </p>
      )}
      {images && picture && (
        <main id="content" tabIndex={-1} data-view={view}>
          <ShownView
            dropped={dropped}
            onDroppedTaken={onDroppedTaken}
            results={results}
            onResults={setResults}
            engine={engine}
            images={images}
            device={device}
            ownNetwork={ownNetwork}
            accuracies={accuracies}
            onProblem={setProblem}
            place={place}
            picture={picture}
            judging={judging}
            training={training}
            heading={pictures}
            onPicture={take}
            onFiles={takeFiles}
            onOpen={openPictures}
          />
        </main>
      )}
      {isOver && (
        <p class="drop-here">
          Drop a picture to explain it, a network’s files to explain with it, or results of a batch to browse them
        </p>
      )}
      <footer>
        <DeviceBadge device={device} isSwitching={isSwitching} onChoose={switchDevice} />
        <p>
          Everything is computed in this browser; no picture leaves it. Test images: Fashion-MNIST, © 2017 Zalando SE,
          MIT licence. <a href="./benchmark.html">How fast is this device?</a>
        </p>
      </footer>
    </>
  )
}

function isOfResults({ name }: File): boolean {
  return /\.(parquet|jsonl)$/i.test(name)
}

/** What adds to results that are open: their pictures, and what says how they were made. */
function isBesideResults({ name, type }: File): boolean {
  return type.startsWith('image/') || name === 'run.json'
}
