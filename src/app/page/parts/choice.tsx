/** A field that takes one of some names. */
export function Choice<Name extends string>({
  title,
  names,
  titleOf,
  chosen,
  isDisabled = false,
  onChoose,
}: {
  title: string
  names: readonly Name[]
  /** Of a name, for people. */
  titleOf: (name: Name) => string
  chosen: Name
  isDisabled?: boolean
  onChoose: (name: Name) => void
}) {
  return (
    <label>
      {title}
      <select
        value={chosen}
        disabled={isDisabled}
        onChange={({ currentTarget: { value } }) => onChoose(names.find((name) => name === value) ?? chosen)}
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {titleOf(name)}
          </option>
        ))}
      </select>
    </label>
  )
}
