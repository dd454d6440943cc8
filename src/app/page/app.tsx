import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { DeviceBadge } from './device-badge.tsx'
import type { EngineClient } from './engine-client.ts'
import { ExplanationPanel } from './explanation-panel.tsx'
import { FileDrop } from './file-drop.tsx'
import { allImages, type ImageFilter, shownImages } from './image-filter.ts'
import { ImagePicker } from './image-picker.tsx'
import { JudgementPanel } from './judgement-panel.tsx'
import { Notice } from './notice.tsx'
import { readAddress } from './page-address.ts'
import { type Picture, testPicture } from './picture.ts'
import { PictureView } from './picture-view.tsx'
import { ProbabilityBars } from './probability-bars.tsx'
import { useEngine } from './use-engine.ts'
import { useJudgement } from './use-judgement.ts'
import { usePrediction } from './use-prediction.ts'

export function App({ engine }: { engine: EngineClient }) {
  const [problem, setProblem] = useState<string | null>(null)
  const { images, device, isSwitching, failure, switchDevice } = useEngine(engine, setProblem)
  const [picture, setPicture] = useState<Picture | null>(null)
  const pictures = useRef<HTMLHeadingElement>(null)
  const prediction = usePrediction(engine, picture, device, setProblem)

  const firstView = useMemo(() => images && readAddress(location.search, images.labels.length), [images])

  const total = images?.count ?? 0
  const { state: judgement, judge, stop: stopJudging } = useJudgement(engine, total, setProblem)
  const evaluation = judgement.phase === 'done' ? judgement.evaluation : null
  const [filter, setFilter] = useState<ImageFilter>(allImages)

  useEffect(() => {
    if (images && firstView) setPicture((chosen) => chosen ?? testPicture(images, firstView.image))
  }, [images, firstView])

  const pick = useMemo(
    () => (index: number) => {
      if (!images) return
      setProblem(null)
      setPicture(testPicture(images, index))
    },
    [images],
  )
  const openCell = (label: number, said: number) => {
    if (!images) return
    const cell = { label, said }
    setFilter(cell)
    const [first] = shownImages(cell, images, evaluation)
    if (first !== undefined) pick(first)
    pictures.current?.scrollIntoView()
    pictures.current?.focus({ preventScroll: true })
  }
  const take = (taken: Picture) => {
    setProblem(null)
    setPicture(taken)
  }

  return (
    <>
      <header class="masthead">
        <div>
          <h1>Limelight</h1>
          <p class="tagline">Why does the network say so?</p>
        </div>
        <DeviceBadge device={device} isSwitching={isSwitching} onChoose={switchDevice} />
      </header>
      <Notice message={failure ?? problem} onDismiss={failure ? null : () => setProblem(null)} />
      {!images && !failure && (
        <p class="loading" role="status">
          Loading the network and 10,000 test images…
        </p>
      )}
      {images && (
        <main>
          <section class="panel pictures" aria-labelledby="pictures-title">
            <h2 id="pictures-title" ref={pictures} tabIndex={-1}>
              Pick a picture
            </h2>
            <ImagePicker
              images={images}
              evaluation={evaluation}
              filter={filter}
              selected={picture?.index ?? null}
              onFilter={setFilter}
              onSelect={pick}
            />
            <FileDrop onPicture={take} onProblem={setProblem} />
          </section>
          {picture && firstView && (
            <>
              <section class="panel verdict" aria-labelledby="verdict-title">
                <h2 id="verdict-title">What the network sees</h2>
                <div class="prediction">
                  <div>
                    <PictureView picture={picture} prediction={prediction} onChange={setPicture} />
                    <ProbabilityBars prediction={prediction} trueLabel={picture.trueLabel} />
                  </div>
                </div>
              </section>
              <ExplanationPanel
                engine={engine}
                firstView={firstView}
                picture={picture}
                probabilities={prediction?.probabilities ?? null}
                device={device}
                onProblem={setProblem}
              />
            </>
          )}
          <JudgementPanel
            state={judgement}
            total={total}
            canJudge={device !== null}
            onJudge={judge}
            onStop={stopJudging}
            onCell={openCell}
          />
        </main>
      )}
      <footer>
        Everything is computed in this browser; no picture leaves it. Test images: Fashion-MNIST, © 2017 Zalando SE, MIT
        licence. <a href="./benchmark.html">How fast is this device?</a>
      </footer>
    </>
  )
}
