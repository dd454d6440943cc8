/** A slider for a whole number, which says its value. */
export function Slider({
  label,
  unit,
  range: [least, most],
  value,
  isOff = false,
  onChange,
}: {
  label: string
  unit: string
  range: readonly [number, number]
  value: number
  isOff?: boolean
  onChange: (value: number) => void
}) {
  return (
    <label>
      <span class="slider-title">
        {label} <span>{`${value} ${unit}`}</span>
      </span>
      <input
        type="range"
        min={least}
        max={most}
        value={value}
        disabled={isOff}
        aria-valuetext={`${value} ${unit}`}
        onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
      />
    </label>
  )
}
