import { useId } from 'preact/hooks'
import { type PixelNumberName, pixelNumberNames, whyNoNumbers } from '../contract/pixel-numbers.ts'

const titles: Readonly<Record<PixelNumberName, string>> = { scale: 'Scale', mean: 'Mean', std: 'Std' }
/** Where nothing is given. */
const usual: Readonly<Record<PixelNumberName, string>> = { scale: '1', mean: '0', std: '1' }

/** How a network takes pixels, typed in numbers. */
export function PixelNumberFields({
  texts,
  onTexts,
}: {
  texts: Readonly<Record<PixelNumberName, string>>
  onTexts: (texts: Readonly<Record<PixelNumberName, string>>) => void
}) {
  return (
    <div class="pixel-numbers wide">
      {pixelNumberNames.map((name) => (
        <NumbersField
          key={name}
          name={name}
          text={texts[name]}
          onText={(text) => onTexts({ ...texts, [name]: text })}
        />
      ))}
      <p class="hint">
        It takes (pixel from 0 to 255 × scale − mean) / std. Mean and std are a number each, or one for each channel in
        the network’s own order, with commas between them.
      </p>
    </div>
  )
}

function NumbersField({ name, text, onText }: { name: PixelNumberName; text: string; onText: (text: string) => void }) {
  const id = useId()
  const problem = whyNoNumbers(name, text)
  return (
    <div class="number-field">
      <label>
        {titles[name]}
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={text}
          placeholder={usual[name]}
          aria-invalid={problem !== null}
          aria-describedby={problem === null ? undefined : id}
          onInput={({ currentTarget: { value } }) => onText(value)}
        />
      </label>
      {problem !== null && (
        <span id={id} class="field-problem" role="alert">
          {problem}
        </span>
      )}
    </div>
  )
}
