import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type UPlot from 'uplot'
import { NotLoaded } from './new-version.tsx'

/** Curves, drawn by uPlot: it is loaded when the first chart is shown. What they say has to stand in a table as well. */

export interface Curve {
  readonly name: string
  readonly colour: 'for' | 'against' | 'accent' | 'soft'
  readonly isDashed?: boolean
  /** Its values are few, and far between: dots, joined. */
  readonly isDotted?: boolean
  /** One a place on the x axis; null where there is none. */
  readonly values: readonly (number | null)[]
}

const height = 200

/**
 * uPlot, in a task of its own for each chart: to load it and to draw two charts at once would hold the page up.
 *
 * It hands the browser's language to Intl as it is evaluated. WebKitGTK's is "C" under that locale, which is no language:
 * the evaluation fails, and whoever imports it next gets a module whose functions are not there. The page is in English.
 */
async function loadedPlot() {
  if (!isLanguage(navigator.language)) Object.defineProperty(navigator, 'language', { value: 'en', configurable: true })
  const { default: Plot } = await import('uplot')
  await new Promise((resolve) => setTimeout(resolve))
  return Plot
}

function isLanguage(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0
  } catch {
    return false
  }
}

export function LineChart({
  title,
  xName,
  x,
  curves,
  yRange,
}: {
  /** What people hear instead. */
  title: string
  xName: string
  /** Ascending. */
  x: readonly number[]
  curves: readonly Curve[]
  /** null at an end: as the curves need it. */
  yRange: readonly [number | null, number | null]
}) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<UPlot | null>(null)
  const data = useMemo(() => [[...x], ...curves.map(({ values }) => [...values])] as UPlot.AlignedData, [x, curves])
  const newest = useRef(data)
  newest.current = data
  const isDark = useDarkness()
  const [isMissing, setMissing] = useState(false)
  const [least, most] = yRange
  // Another set of curves is another chart; other values of the same are not.
  const form = JSON.stringify([xName, curves.map(({ values, ...look }) => look), least, most])

  useEffect(() => {
    const box = place.current
    if (!box) return
    let isGone = false
    const [name, lines, low, high] = JSON.parse(form) as [string, Omit<Curve, 'values'>[], number | null, number | null]
    const widthOf = () => Math.max(box.clientWidth, 120)
    const resize = new ResizeObserver(() => chart.current?.setSize({ width: widthOf(), height }))
    loadedPlot().then(
      (Plot) => {
        if (isGone) return
        const colour = (variable: string) => getComputedStyle(box).getPropertyValue(`--${variable}`).trim()
        const axis = { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } }
        chart.current = new Plot(
          {
            width: widthOf(),
            height,
            cursor: { drag: { x: false, y: false } },
            scales: {
              x: { time: false },
              y: { range: (_, from, to) => [low ?? Math.min(0, from), high ?? Math.max(to, from + 1e-6)] },
            },
            axes: [
              { ...axis, label: name, labelSize: 20, size: 32 },
              { ...axis, size: 48 },
            ],
            series: [
              { label: name },
              ...lines.map((line) => ({
                label: line.name,
                stroke: colour(line.colour),
                width: 2,
                ...(line.isDashed && { dash: [6, 5] }),
                points: { show: line.isDotted ?? false, size: 7 },
                spanGaps: true,
                value: (_: UPlot, value: number | null) => (value === null ? '–' : value.toFixed(3)),
              })),
            ],
          },
          newest.current,
          box,
        )
        resize.observe(box)
      },
      () => setMissing(true),
    )
    return () => {
      isGone = true
      resize.disconnect()
      chart.current?.destroy()
      chart.current = null
    }
  }, [form, isDark])

  useEffect(() => chart.current?.setData(data), [data])
  // The table says the same.
  if (isMissing) return <NotLoaded />
  return <div ref={place} class="line-chart" role="img" aria-label={title} />
}

/** Whether the page is dark, and again when that changes. */
function useDarkness(): boolean {
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches)
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const listen = () => setDark(query.matches)
    query.addEventListener('change', listen)
    return () => query.removeEventListener('change', listen)
  }, [])
  return isDark
}
