import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { task } from '../tasks/chosen-task.ts'
import type { AverageEvidence, Evaluation, ImageSet, NetworkName } from './contract/engine-api.ts'
import {
  type Asked,
  addressOf,
  firstView,
  readAddress,
  unreadIn,
  type View,
  type ViewName,
} from './contract/page-address.ts'
import { ExplainView } from './explain/explain-view.tsx'
import { DeviceBadge } from './parts/device-badge.tsx'
import { loadedWhenShown } from './parts/loaded-when-shown.tsx'
import { NetworkSelect } from './parts/network-select.tsx'
import { Notice } from './parts/notice.tsx'
import { useAsked } from './parts/use-asked.ts'
import { useFiles } from './parts/use-files.ts'
import { type Counted, useRun } from './parts/use-run.ts'
import { ViewNavigation, viewTitles } from './parts/view-navigation.tsx'
import { allImages, type ImageFilter, shownImages } from './pictures/image-filter.ts'
import { type Picture, testPicture } from './pictures/picture.ts'
import { useTraining } from './train/use-training.ts'
import type { EngineClient } from './worker/engine-client.ts'
import { messageOf, useEngine } from './worker/use-engine.ts'

const CompareView = loadedWhenShown(async () => (await import('./compare/compare-view.tsx')).CompareView)
const TrainingPanel = loadedWhenShown(async () => (await import('./train/training-panel.tsx')).TrainingPanel)
const JudgeView = loadedWhenShown(async () => (await import('./judge/judge-view.tsx')).JudgeView)

/** What one entry of the browser's history shows. */
interface Place {
  readonly view: ViewName
  /** The picture's. */
  readonly name: string
  /** When it came, in ms. */
  readonly at: number
}

/** A picture that is looked at for less, in ms, gets no entry in the browser's history. */
const stay = 1000

/** A picture of one's own that an entry of the history holds; null where it holds none. */
function heldPicture(state: unknown): Picture | null {
  const { pixels } = (state ?? {}) as { pixels?: unknown }
  const [height, width] = task.inputShape
  return pixels instanceof Uint8Array && pixels.length === height * width ? (state as Picture) : null
}

export function App({ engine }: { engine: EngineClient }) {
  const [problem, setProblem] = useState<string | null>(null)
  const { loaded, device, ownNetwork, isSwitching, failure, switchDevice } = useEngine(engine, setProblem)
  const images = loaded?.images ?? null
  const pictures = useRef<HTMLHeadingElement>(null)

  const [view, setView] = useState<ViewName>(firstView.view)
  const { asked: left, change: setLeft, read: readLeft } = useAsked(firstView.left, ownNetwork)
  const { asked: right, change: setRight, read: readRight } = useAsked(firstView.right, ownNetwork)
  const [picture, setPicture] = useState<Picture | null>(null)
  /** null: the left one's. */
  const [rightPicture, setRightPicture] = useState<Picture | null>(null)

  /** What the browser's history has last been told. */
  const told = useRef<Place | null>(null)
  const show = useCallback(
    ({ view, left, right }: View, { images }: { images: ImageSet }, held: Picture | null) => {
      const shown = held ?? testPicture(images, left.image ?? 0)
      told.current = { view, name: shown.name, at: 0 }
      setView(view)
      readLeft(left)
      setPicture(shown)
      // No other view's address says anything of the right side.
      if (view !== 'compare') return
      readRight(right)
      setRightPicture(right.image === null ? null : testPicture(images, right.image))
    },
    [readLeft, readRight],
  )
  useEffect(() => {
    if (!loaded) return
    const { count } = loaded.images
    const read = () => show(readAddress(location.search, count), loaded, heldPicture(history.state))
    read()
    const unread = unreadIn(location.search, count)
    if (unread.length > 0)
      setProblem(`The address says ${unread.join(' and ')}, which can’t be used: the usual value stands in its place.`)
    addEventListener('popstate', read)
    return () => removeEventListener('popstate', read)
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
  useEffect(() => {
    if (!picture) return
    const tell = () => {
      const { name } = picture
      const before = told.current
      // Back leads to the view and the picture before, but not to each that the keys went over.
      const isMove = before !== null && (before.view !== view || before.name !== name)
      const isQuick = before !== null && before.view === view && performance.now() - before.at < stay
      told.current = { view, name, at: performance.now() }
      // What no address can hold, a picture of one's own, is kept beside it.
      const held = picture.index === null ? picture : null
      if (isMove && !isQuick) history.pushState(held, '', location.pathname + address)
      else history.replaceState(held, '', location.pathname + address)
    }
    const isDrawn = picture.index === null && told.current?.name === picture.name
    if (!isDrawn) return tell()
    // Browsers take only so many changes a second.
    const timer = setTimeout(tell, 300)
    return () => clearTimeout(timer)
  }, [picture, view, address])
  const subject = picture && (view === 'explain' || view === 'compare') ? ` ${picture.name}` : ''
  useEffect(() => {
    document.title = `${viewTitles[view]}${subject.replace('Test', 'test')} – Limelight`
  }, [view, subject])
  const go = useCallback((to: ViewName) => {
    setView(to)
    scrollTo({ top: 0, behavior: 'instant' })
  }, [])

  const wantsOwn = left.network === 'own' || (view === 'compare' && right.network === 'own')
  useEffect(() => {
    if (!loaded || !wantsOwn || ownNetwork) return
    // The Worker tells of it in a message of its own, which may be on its way.
    const timer = setTimeout(() => {
      setProblem(
        'The address asks for a network of your own, and this browser has none: the tutorial’s network answers. Train one, or open its file.',
      )
      setLeft((left) => ({ ...left, network: 'tutorial' }))
      setRight((right) => ({ ...right, network: 'tutorial' }))
    }, 500)
    return () => clearTimeout(timer)
  }, [loaded, wantsOwn, ownNetwork])

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
  const takeFile = useCallback(
    async (file: File) => {
      setProblem(null)
      try {
        if (file.name.endsWith('.safetensors')) {
          await engine.openNetwork(file)
          setLeft((left) => ({ ...left, network: 'own' }))
        } else if (file.type.startsWith('image/')) {
          const { pictureFromFile } = await import('./pictures/picture-from-file.ts')
          const name = file.name || 'Pasted picture'
          take({ ...(await pictureFromFile(file)), name, trueLabel: null, index: null })
          go('explain')
        } else
          throw new Error(
            `${file.name} is not taken: expected a picture (PNG, JPEG, WebP, GIF) to explain, or a network (.safetensors) to explain with`,
          )
      } catch (error) {
        setProblem(messageOf(error))
      }
    },
    [engine, take, go],
  )
  const isOver = useFiles(takeFile)
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
      <a class="skip-link" href="#content">
        Skip to the content
      </a>
      <header class="masthead">
        <div>
          <h1>Limelight</h1>
          <p class="tagline">Why does the network say so?</p>
        </div>
        <ViewNavigation view={view} onView={go} />
        <div class="masthead-tools">
          {view !== 'compare' && <NetworkSelect network={network} ownNetwork={ownNetwork} onNetwork={useNetwork} />}
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
              onFile={takeFile}
              asked={present(left)}
              onAsked={setLeft}
              isLinkWhole={picture.index !== null}
            />
          )}
          {view === 'compare' && (
            <CompareView
              {...common}
              images={images}
              isLinkWhole={picture.index !== null && rightPicture?.index !== null}
              compared={[
                {
                  side: 'left',
                  title: 'First explanation',
                  picture,
                  onPicture: (taken) => taken && take(taken),
                  isSame: null,
                  asked: present(left),
                  onAsked: setLeft,
                },
                {
                  side: 'right',
                  title: 'Second explanation',
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
      {isOver && (
        <p class="drop-here">Drop a picture to explain it, or a .safetensors file to open it as your network</p>
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
