import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type ImageSet, pixelsOf } from '../../data/image-set.ts'
import { task } from '../../tasks/chosen-task.ts'
import { GreyCanvas } from './grey-canvas.tsx'

/** Width and height of a cell, in CSS pixels. */
const cellExtent = 50
const spareRows = 2

/**
 * A list box of pictures of which only those in view exist. Arrow keys move the selection; it is one tab stop.
 */
export function ImageGrid({
  images,
  indices,
  selected,
  onSelect,
}: {
  images: ImageSet
  /** Which of the images, in order. */
  indices: readonly number[]
  selected: number | null
  onSelect: (index: number) => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, width: 0, height: 0 })
  const columns = Math.max(1, Math.floor(view.width / cellExtent))
  const cell = view.width / columns
  const rows = Math.ceil(indices.length / columns)
  const rowsInView = Math.max(1, Math.floor(view.height / cell))
  const position = useMemo(() => (selected === null ? -1 : indices.indexOf(selected)), [indices, selected])

  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const measure = () => setView({ top: element.scrollTop, width: element.clientWidth, height: element.clientHeight })
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  // Whatever was chosen, by whichever way, comes into view.
  useEffect(() => {
    const element = box.current
    if (!element || position < 0 || cell === 0) return
    const top = Math.floor(position / columns) * cell
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + cell > element.scrollTop + element.clientHeight)
      element.scrollTop = top + cell - element.clientHeight
  }, [position, columns, cell])

  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      PageUp: -columns * rowsInView,
      PageDown: columns * rowsInView,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    }
    const step = steps[event.key]
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    const target = position < 0 ? 0 : Math.min(indices.length - 1, Math.max(0, position + step))
    onSelect(indices[target])
  }

  const firstRow = Math.max(0, Math.floor(view.top / cell) - spareRows)
  const lastRow = Math.min(rows, firstRow + rowsInView + 2 * spareRows + 1)
  const positions: number[] = []
  if (view.width > 0)
    for (let i = firstRow * columns; i < Math.min(indices.length, lastRow * columns); i++) positions.push(i)
  // The option that aria-activedescendant names must exist, wherever the list is scrolled to.
  if (position >= 0 && view.width > 0 && !positions.includes(position)) positions.push(position)

  return (
    <div
      ref={box}
      class="grid"
      role="listbox"
      tabIndex={0}
      aria-label="Test images"
      aria-activedescendant={position >= 0 ? `image-${indices[position]}` : undefined}
      onScroll={({ currentTarget }) => {
        const { scrollTop: top } = currentTarget
        setView((known) => ({ ...known, top }))
      }}
      onKeyDown={onKeyDown}
    >
      <div role="presentation" class="grid-space" style={{ height: `${rows * cell}px` }}>
        {positions.map((at) => (
          <Thumbnail
            key={indices[at]}
            images={images}
            index={indices[at]}
            place={{ left: (at % columns) * cell, top: Math.floor(at / columns) * cell, extent: cell }}
            count={{ position: at + 1, total: indices.length }}
            isSelected={at === position}
            onSelect={onSelect}
          />
        ))}
      </div>
    </div>
  )
}

function Thumbnail({
  images,
  index,
  place,
  count,
  isSelected,
  onSelect,
}: {
  images: ImageSet
  index: number
  place: { left: number; top: number; extent: number }
  count: { position: number; total: number }
  isSelected: boolean
  onSelect: (index: number) => void
}) {
  const pixels = useMemo(() => pixelsOf(images, index), [images, index])
  const title = `${task.classNames[images.labels[index]]}, number ${index}`
  return (
    // The list box takes the keys for all its options.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant points here, the focus stays on the list box
    <div
      id={`image-${index}`}
      role="option"
      class="thumbnail"
      aria-selected={isSelected}
      aria-label={title}
      aria-posinset={count.position}
      aria-setsize={count.total}
      title={title}
      style={{
        transform: `translate(${place.left}px, ${place.top}px)`,
        width: `${place.extent}px`,
        height: `${place.extent}px`,
      }}
      onClick={() => onSelect(index)}
    >
      <GreyCanvas pixels={pixels} />
    </div>
  )
}
