import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { DeviceBadge } from './device-badge.tsx'
import { CompareView } from './explain/compare-view.tsx'
import { ExplainView } from './explain/explain-view.tsx'
import { JudgeView } from './judge/judge-view.tsx'
import { NetworkSelect } from './network-select.tsx'
import { Notice } from './notice.tsx'
import { type Asked, addressOf, firstView, readAddress, type View, type ViewName } from './page-address.ts'
import { allImages, type ImageFilter, shownImages } from './pictures/image-filter.ts'
import { type Picture, testPicture } from './pictures/picture.ts'
import { TrainingPanel } from './train/training-panel.tsx'
import { useTraining } from './train/use-training.ts'
import { useEngine } from './use-engine.ts'
import { useRun } from './use-run.ts'
import { ViewNavigation } from './view-navigation.tsx'
import type { AverageEvidence, Evaluation, ImageSet, NetworkName } from './worker/engine-api.ts'
import type { EngineClient } from './worker/engine-client.ts'

/** Of how many it has done. */
export interface Counted {
  readonly done: number
  readonly total: number
}

export function App({ engine }: { engine: EngineClient }) {
  const [problem, setProblem] = useState<string | null>(null)
  const { loaded, device, ownNetwork, isSwitching, failure, switchDevice } = useEngine(engine, setProblem)
  const images = loaded?.images ?? null
  const pictures = useRef<HTMLHeadingElement>(null)

  const [view, setView] = useState<ViewName>(firstView.view)
  const [left, setLeft] = useState<Asked>(firstView.left)
  const [right, setRight] = useState<Asked>(firstView.right)
  const [picture, setPicture] = useState<Picture | null>(null)
  /** null: the left one's. */
  const [rightPicture, setRightPicture] = useState<Picture | null>(null)

  const show = useCallback(({ view, left, right }: View, { images }: { images: ImageSet }) => {
    setView(view)
    setLeft(left)
    if (left.image !== null) setPicture(testPicture(images, left.image))
    // No other view's address says anything of the right side.
    if (view !== 'compare') return
    setRight(right)
    setRightPicture(right.image === null ? null : testPicture(images, right.image))
  }, [])
  useEffect(() => {
    if (!loaded) return
    const read = () => readAddress(location.search, loaded.images.count)
    const goBack = () => {
      // What no address can hold, a picture of one's own, stays.
      if (new URLSearchParams(location.search).has('index')) show(read(), loaded)
      else setView(read().view)
    }
    show(read(), loaded)
    addEventListener('popstate', goBack)
    return () => removeEventListener('popstate', goBack)
  }, [loaded, show])

  // One's own network may be gone, or not there yet.
  const present = (asked: Asked): Asked =>
    asked.network === 'own' && !ownNetwork ? { ...asked, network: 'tutorial' } : asked
  const { network } = present(left)
  const source = network === 'own' ? ownNetwork : network

  const address = addressOf({
    view,
    left: { ...left, image: picture ? picture.index : firstView.left.image },
    right: { ...right, image: rightPicture?.index ?? null },
  })
  const isShown = picture !== null
  useEffect(() => {
    if (isShown) history.replaceState(null, '', location.pathname + address)
  }, [isShown, address])
  const go = (to: ViewName) => {
    // Back leads back here.
    if (to !== view) history.pushState(null, '', location.href)
    setView(to)
    scrollTo({ top: 0, behavior: 'instant' })
  }

  const judgement = useRun<Evaluation, Counted>(engine, 'judge', 'The judgement', setProblem)
  const average = useRun<AverageEvidence, Counted>(engine, 'average', 'The average', setProblem)
  const training = useTraining(engine, loaded?.interrupted ?? null, setProblem)
  const evaluation = judgement.state.phase === 'done' ? judgement.state.result : null
  const [filter, setFilter] = useState<ImageFilter>(allImages)
  const { clear: clearJudgement } = judgement
  const { clear: clearAverage } = average
  useEffect(() => {
    clearJudgement()
    clearAverage()
    setFilter(({ label }) => ({ ...allImages, label }))
  }, [source, clearJudgement, clearAverage])

  const take = useCallback((taken: Picture) => {
    setProblem(null)
    setPicture(taken)
  }, [])
  const openPictures = (shown: ImageFilter) => {
    if (!images) return
    setFilter(shown)
    const [first] = shownImages(shown, images, evaluation)
    if (first !== undefined) take(testPicture(images, first))
    go('explain')
    requestAnimationFrame(() => {
      pictures.current?.scrollIntoView()
      pictures.current?.focus({ preventScroll: true })
    })
  }
  const useNetwork = (name: NetworkName) => setLeft({ ...left, network: name })
  const common = useMemo(() => ({ engine, device, ownNetwork, onProblem: setProblem }), [engine, device, ownNetwork])

  return (
    <>
      <header class="masthead">
        <div>
          <h1>Limelight</h1>
          <p class="tagline">Why does the network say so?</p>
        </div>
        <ViewNavigation view={view} onView={go} />
        <div class="masthead-tools">
          {view !== 'compare' && <NetworkSelect network={network} ownNetwork={ownNetwork} onNetwork={useNetwork} />}
          <DeviceBadge device={device} isSwitching={isSwitching} onChoose={switchDevice} />
        </div>
      </header>
      <Notice message={failure ?? problem} onDismiss={failure ? null : () => setProblem(null)} />
      {!images && !failure && (
        <p class="loading" role="status">
          Loading the network and 10,000 test images…
        </p>
      )}
      {images && picture && (
        <main data-view={view}>
          {view === 'explain' && (
            <ExplainView
              {...common}
              heading={pictures}
              images={images}
              evaluation={evaluation}
              filter={filter}
              onFilter={setFilter}
              picture={picture}
              onPicture={take}
              asked={present(left)}
              onAsked={setLeft}
            />
          )}
          {view === 'compare' && (
            <CompareView
              {...common}
              images={images}
              compared={[
                {
                  side: 'left',
                  title: 'This one',
                  picture,
                  onPicture: (taken) => taken && take(taken),
                  isSame: null,
                  asked: present(left),
                  onAsked: setLeft,
                },
                {
                  side: 'right',
                  title: 'That one',
                  picture: rightPicture ?? picture,
                  onPicture: setRightPicture,
                  isSame: rightPicture === null,
                  asked: present(right),
                  onAsked: setRight,
                },
              ]}
            />
          )}
          {view === 'train' && (
            <TrainingPanel
              {...common}
              images={images}
              training={training}
              onUse={() => {
                useNetwork('own')
                go('explain')
              }}
            />
          )}
          {view === 'judge' && (
            <JudgeView
              engine={engine}
              network={network}
              total={images.count}
              canJudge={device !== null}
              judgement={judgement}
              average={average}
              onOpen={openPictures}
              onProblem={setProblem}
            />
          )}
        </main>
      )}
      <footer>
        Everything is computed in this browser; no picture leaves it. Test images: Fashion-MNIST, © 2017 Zalando SE, MIT
        licence. <a href="./benchmark.html">How fast is this device?</a>
      </footer>
    </>
  )
}
