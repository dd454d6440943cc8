import {
  type ExplanationSettings,
  type HiddenChoice,
  hiddenChoices,
  methodChoices,
} from '../contract/explanation-settings.ts'
import { kernelWidths } from '../contract/page-address.ts'
import { segmenterParameters } from '../contract/segmenter-parameters.ts'
import { Choice } from '../parts/choice.tsx'

/** What hidden segments show, for people. */
export const hiddenTitles: Readonly<Record<HiddenChoice, string>> = {
  segment: 'its own mean',
  mean: 'the picture’s mean',
  blur: 'the picture, blurred',
  inpaint: 'what surrounds it',
  noise: 'noise',
  '0': 'black',
  '1': 'white',
}

/** What most people leave as it is: the segmenter's parameters, the kernel's width, what is shown in place of what is hidden. */
export function SegmenterSettings({
  settings: { method, segmenter, kernelWidth, hidden },
  parameters,
  onSettings,
}: {
  settings: ExplanationSettings
  parameters: Readonly<Record<string, number>>
  onSettings: (changed: Partial<ExplanationSettings>) => void
}) {
  return (
    <details class="wide more-settings">
      <summary>More settings</summary>
      <div>
        {segmenterParameters[segmenter].map(({ name, title, min, max, step }) => (
          <Slider
            key={`${segmenter} ${name}`}
            title={title}
            name={name}
            range={{ min, max, step }}
            value={parameters[name]}
            onValue={(value) => onSettings({ parameters: { ...parameters, [name]: value } })}
          />
        ))}
        {methodChoices[method].hasKernel && (
          <Slider
            title="Kernel width: how far from the picture a mixture still counts"
            name="kernel-width"
            range={kernelWidths}
            value={kernelWidth}
            onValue={(value) => onSettings({ kernelWidth: value })}
          />
        )}
        <Choice
          title="What a hidden segment shows"
          names={hiddenChoices}
          titleOf={(name) => hiddenTitles[name]}
          chosen={hidden}
          onChoose={(name) => onSettings({ hidden: name })}
        />
      </div>
    </details>
  )
}

function Slider({
  title,
  name,
  range,
  value,
  onValue,
}: {
  title: string
  /** As the command has it. */
  name: string
  range: { readonly min: number; readonly max: number; readonly step: number }
  value: number
  onValue: (value: number) => void
}) {
  return (
    <label>
      <span class="slider-title">
        <span>{title}</span> <span aria-hidden="true">{value}</span>
      </span>
      <input
        type="range"
        {...range}
        value={value}
        title={name}
        onInput={({ currentTarget }) => onValue(currentTarget.valueAsNumber)}
      />
    </label>
  )
}
