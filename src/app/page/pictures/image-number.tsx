import { NumberField } from '../parts/number-field.tsx'

/** A field for a test image's number. */
export function ImageNumber({
  title,
  count,
  index,
  isDisabled = false,
  onIndex,
}: {
  title: string
  /** Of images. */
  count: number
  /** null where something else than a test image is shown. */
  index: number | null
  isDisabled?: boolean
  onIndex: (index: number) => void
}) {
  return <NumberField title={title} min={0} max={count - 1} value={index} isDisabled={isDisabled} onValue={onIndex} />
}
