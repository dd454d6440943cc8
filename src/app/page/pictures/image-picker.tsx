import { useMemo } from 'preact/hooks'
import type { ImageSet } from '../../data/image-set.ts'
import { task } from '../../tasks/chosen-task.ts'
import type { Evaluation } from '../contract/engine-api.ts'
import { count } from '../number-format.ts'
import { Choice } from '../parts/choice.tsx'
import { allImages, type ImageFilter, isShown, shownImages } from './image-filter.ts'
import { ImageGrid } from './image-grid.tsx'
import { ImageNumber } from './image-number.tsx'

const orders = ['number', 'most confident', 'least confident'] as const satisfies readonly ImageFilter['order'][]

/** The test images, all or some of them: to be picked from a grid, by their number, or at random. */
export function ImagePicker({
  images,
  evaluation,
  filter,
  selected,
  onFilter,
  onSelect,
}: {
  images: ImageSet
  /** What the network says about all of them, where that is known. */
  evaluation: Evaluation | null
  filter: ImageFilter
  selected: number | null
  onFilter: (filter: ImageFilter) => void
  onSelect: (index: number) => void
}) {
  const indices = useMemo(() => shownImages(filter, images, evaluation), [images, filter, evaluation])
  const pickAny = () => onSelect(indices[Math.floor(Math.random() * indices.length)])
  return (
    <>
      <div class="picker">
        <label>
          Show
          <select
            value={filter.label ?? ''}
            onChange={({ currentTarget: { value } }) =>
              onFilter({ ...filter, label: value === '' ? null : Number(value) })
            }
          >
            <option value="">All classes</option>
            <ClassOptions />
          </select>
        </label>
        <label>
          The network says
          <select
            value={filter.said}
            disabled={!evaluation}
            onChange={({ currentTarget: { value } }) =>
              onFilter({
                ...filter,
                said: value === 'anything' || value === 'right' || value === 'wrong' ? value : Number(value),
              })
            }
          >
            <option value="anything">{evaluation ? 'Anything' : 'Known after judging'}</option>
            <option value="right">The true class</option>
            <option value="wrong">Another class</option>
            <ClassOptions />
          </select>
        </label>
        <Choice
          title="Order"
          names={orders}
          titleOf={(order) => `The ${order === 'number' ? 'lowest number' : order} first`}
          chosen={filter.order}
          isDisabled={!evaluation}
          onChoose={(order) => onFilter({ ...filter, order })}
        />
        <ImageNumber
          title="Number"
          count={images.count}
          index={selected}
          onIndex={(index) => {
            if (!isShown(filter, images, evaluation, index)) onFilter(allImages)
            onSelect(index)
          }}
        />
        <button type="button" disabled={indices.length === 0} onClick={pickAny}>
          Random
        </button>
      </div>
      <ImageGrid images={images} indices={indices} selected={selected} onSelect={onSelect} />
      <p class="hint">{count(indices.length)} test images, none of which the network was trained on.</p>
    </>
  )
}

function ClassOptions() {
  return (
    <>
      {task.classNames.map((name, label) => (
        <option key={name} value={label}>
          {name}
        </option>
      ))}
    </>
  )
}
