import { useMemo, useState } from 'preact/hooks'
import { classNames, type ImageSet } from '../data/fashion-mnist.ts'
import { ImageGrid } from './image-grid.tsx'
import { count } from './number-format.ts'

const all = -1

/** The test images: all or one class of them, by looking, by number, or by chance. */
export function ImagePicker({
  images,
  selected,
  onSelect,
}: {
  images: ImageSet
  selected: number | null
  onSelect: (index: number) => void
}) {
  const [shown, setShown] = useState(all)
  const indices = useMemo(
    () => Array.from(images.labels.keys()).filter((index) => shown === all || images.labels[index] === shown),
    [images, shown],
  )
  const pickAny = () => onSelect(indices[Math.floor(Math.random() * indices.length)])
  return (
    <>
      <div class="picker">
        <label>
          Show
          <select value={shown} onChange={({ currentTarget }) => setShown(Number(currentTarget.value))}>
            <option value={all}>All classes</option>
            {classNames.map((name, label) => (
              <option key={name} value={label}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Number
          <input
            type="number"
            min={0}
            max={images.count - 1}
            value={selected ?? ''}
            onChange={({ currentTarget }) => {
              const index = currentTarget.valueAsNumber
              if (Number.isInteger(index) && index >= 0 && index < images.count) {
                if (shown !== all && images.labels[index] !== shown) setShown(all)
                onSelect(index)
              } else currentTarget.value = selected === null ? '' : String(selected)
            }}
          />
        </label>
        <button type="button" onClick={pickAny}>
          Random
        </button>
      </div>
      <ImageGrid images={images} indices={indices} selected={selected} onSelect={onSelect} />
      <p class="hint">{count(indices.length)} test images, none of which the network was trained on.</p>
    </>
  )
}
