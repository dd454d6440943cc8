import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { tinted, weightColour, weightLimit } from '../../../lime/index.ts'
import type { AnswerWords } from '../answer-words.ts'
import type { LabelExplanation } from '../contract/engine-api.ts'
import type { PhotographResult, Pixels } from '../contract/photograph-api.ts'
import type { Hiding } from '../explain/use-hiding.ts'
import { points } from '../number-format.ts'
import type { EvidencePicture } from '../parts/overlay-canvas.tsx'
import { isMoved } from '../parts/pointer-moves.ts'
import { edgesOf, middleOf } from './segment-outlines.ts'

/** What of an explanation is painted. */
type PaintedResult = Pick<PhotographResult, 'segments' | 'pixels' | 'hiddenPixels' | 'classNames' | 'flip'>

/** Which segments are pointed at and hidden. Where the network is not at hand none can be hidden. */
type Pointing = Pick<Hiding, 'highlighted' | 'hidden' | 'highlight'> & Partial<Pick<Hiding, 'toggle'>>

/** The photograph with its evidence, and what its colours stand for. Segments are pointed at and pressed in it. */
export function PhotographEvidence({
  name,
  result,
  explained,
  words,
  shows,
  isStale,
  hiding,
}: {
  /** The photograph's. */
  name: string
  result: PaintedResult
  explained: Pick<LabelExplanation, 'label' | 'weights'>
  words: AnswerWords
  shows: EvidencePicture
  isStale: boolean
  hiding: Pointing
}) {
  const { label, weights } = explained
  const { classNames, flip } = result
  const limit = weightLimit(weights, words.least)
  const className = classNames[label]
  const [more, less] = words.isProbability ? ['for', 'against'] : ['raises', 'lowers']
  const end = words.isProbability ? points : words.weight
  const named = flip?.segment ?? weights.at(0)?.[0] ?? null
  return (
    <figure class={isStale ? 'answer-picture is-stale' : 'answer-picture'}>
      <EvidenceCanvas
        result={result}
        weights={weights}
        limit={limit}
        shows={shows}
        named={named}
        hiding={hiding}
        label={inWords(
          name,
          words.isProbability ? [`for ${className}`, 'Against'] : [`that raise ${className}`, 'That lower it'],
          weights,
        )}
      />
      {shows !== 'boundaries' && (
        <figcaption>
          <span class="legend" data-shows={shows} aria-hidden="true" />
          <span class="legend-ends">
            <span>
              <strong>{end(-limit)}</strong> {less} {className}
            </span>
            <span>
              {more} {className} <strong>{end(limit)}</strong>
            </span>
          </span>
          <span class="hint">
            Full colour: {end(limit).slice(1)}
            {words.isProbability ? ' percentage points of the probability.' : ', up or down.'}
          </span>
        </figcaption>
      )}
    </figure>
  )
}

function EvidenceCanvas({
  result,
  weights,
  limit,
  shows,
  named,
  hiding: { highlighted, hidden, highlight, toggle },
  label,
}: {
  result: PaintedResult
  weights: LabelExplanation['weights']
  /** Of full colour. */
  limit: number
  shows: EvidencePicture
  /** This segment has its number on it. */
  named: number | null
  hiding: Pointing
  label: string
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { segments, pixels } = result
  const { height, width } = pixels
  const edges = useMemo(() => edgesOf(segments, height, width), [segments, height, width])
  const painted = useMemo(
    () => paint(result, weights, limit, shows, hidden, edges),
    [result, weights, limit, shows, hidden, edges],
  )
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context) return
    context.putImageData(new ImageData(painted, width, height), 0, 0)
    if (highlighted !== null) outline(context, edgesOf(segments, height, width, highlighted), width)
    for (const segment of new Set([named, highlighted]))
      if (segment !== null) writeNumber(context, segment, middleOf(segments, width, segment), Math.max(height, width))
  }, [painted, segments, height, width, named, highlighted])

  const segmentAt = (event: MouseEvent) => {
    const shown = (event.currentTarget as HTMLCanvasElement).getBoundingClientRect()
    const x = Math.floor(((event.clientX - shown.left) / shown.width) * width)
    const y = Math.floor(((event.clientY - shown.top) / shown.height) * height)
    const segment = x >= 0 && y >= 0 && x < width && y < height ? segments[y * width + x] : -1
    return segment < 0 ? null : segment
  }
  return (
    <canvas
      ref={canvas}
      class={toggle ? 'photograph overlay is-pressed' : 'photograph overlay'}
      width={width}
      height={height}
      role="img"
      aria-label={label}
      onPointerMove={(event) => {
        const segment = segmentAt(event)
        if (isMoved(event) && segment !== highlighted) highlight(segment)
      }}
      onPointerLeave={() => highlight(null)}
      onClick={(event) => {
        const segment = segmentAt(event)
        if (segment !== null) toggle?.(segment)
      }}
    />
  )
}

/** The picture under its segments' weights, with lines where segments meet; hidden segments show what hides them. */
function paint(
  { segments, pixels, hiddenPixels }: PaintedResult,
  weights: LabelExplanation['weights'],
  limit: number,
  shows: EvidencePicture,
  hidden: ReadonlySet<number>,
  edges: Uint8Array,
): Pixels['data'] {
  const shares = new Map(weights.map(([segment, weight]) => [segment, weight / limit]))
  const colours = new Map(Array.from(shares, ([segment, share]) => [segment, weightColour(share)]))
  const data = pixels.data.slice()
  const line = shows === 'boundaries' ? [255, 255, 0] : shows === 'heatmap' ? [90, 90, 90] : [255, 255, 255]
  const opacity = shows === 'boundaries' ? 1 : 0.45
  for (let pixel = 0, at = 0; pixel < segments.length; pixel++, at += 4) {
    const segment = segments[pixel]
    if (segment >= 0) {
      if (hidden.has(segment)) for (let c = at; c < at + 3; c++) data[c] = hiddenPixels.data[c]
      else if (shows !== 'boundaries') {
        const grey = 0.2125 * data[at] + 0.7154 * data[at + 1] + 0.0721 * data[at + 2]
        const colour = shows === 'heatmap' ? (colours.get(segment) ?? plain) : tinted(grey, shares.get(segment) ?? 0)
        for (let c = 0; c < 3; c++) data[at + c] = colour[c]
      }
      // Stripes tell hidden parts from others that are plain.
      if (hidden.has(segment) && (pixel + Math.floor(pixel / pixels.width)) % 12 === 0)
        mix(data, at, [255, 255, 255], 0.4)
    }
    if (edges[pixel]) mix(data, at, line, opacity)
  }
  return data
}

const plain = weightColour(0)

function mix(data: Pixels['data'], at: number, colour: readonly number[], share: number): void {
  for (let c = 0; c < 3; c++) data[at + c] = data[at + c] * (1 - share) + colour[c] * share
}

/** Black under white shows on any picture. */
function outline(context: CanvasRenderingContext2D, edges: Uint8Array, width: number): void {
  for (const [colour, extent] of [
    ['#000', 5],
    ['#fff', 3],
  ] as const) {
    context.fillStyle = colour
    const before = (extent - 1) / 2
    edges.forEach((isEdge, pixel) => {
      if (isEdge) context.fillRect((pixel % width) - before, Math.floor(pixel / width) - before, extent, extent)
    })
  }
}

function writeNumber(
  context: CanvasRenderingContext2D,
  segment: number,
  at: readonly [x: number, y: number] | null,
  extent: number,
): void {
  if (!at) return
  context.font = `600 ${Math.max(14, Math.round(extent / 22))}px system-ui, sans-serif`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.lineJoin = 'round'
  context.lineWidth = Math.max(3, extent / 150)
  context.strokeStyle = '#000'
  context.fillStyle = '#fff'
  context.strokeText(String(segment), ...at)
  context.fillText(String(segment), ...at)
}

/** The evidence in words, for those who do not see it. */
function inWords(name: string, [more, less]: readonly string[], weights: LabelExplanation['weights']): string {
  const list = (sign: number) => {
    const found = weights.filter(([, weight]) => weight * sign > 0).map(([segment]) => segment)
    return found.length === 0 ? 'none' : found.slice(0, 5).join(', ') + (found.length > 5 ? ' and more' : '')
  }
  return `${name}, explained. Segments ${more}: ${list(1)}. ${less}: ${list(-1)}. The table of segments has the weights.`
}
