import type { MethodName } from '../../../lime/index.ts'
import {
  type ExplanationSettings,
  methodChoices,
  methodNames,
  type Sampling,
  samplingOf,
} from '../contract/explanation-settings.ts'
import { maxSamples, maxSeed, plainSide } from '../contract/page-address.ts'
import { initialParameters, segmenterChoices, segmenterTitles } from '../contract/segmenter-parameters.ts'
import { Choice } from '../parts/choice.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { SegmenterSettings } from './segmenter-settings.tsx'

/** What the field for their number says where none is asked for. */
const amounts: Readonly<Record<string, string>> = { auto: 'as many as it takes', exact: 'all there are' }

const samplingTitles: Readonly<Record<Sampling, string>> = {
  number: 'A fixed number',
  auto: 'Until settled',
  exact: 'Every mixture',
}

/** How it is explained. */
export function SettingFields({
  settings,
  onSettings,
}: {
  settings: ExplanationSettings
  onSettings: (changed: Partial<ExplanationSettings>) => void
}) {
  const { method, segmenter, samples, seed } = settings
  return (
    <div class="setting-fields">
      <Choice
        title="Method"
        names={methodNames}
        titleOf={(name) => methodChoices[name].title}
        chosen={method}
        onChoose={(name) => onSettings(withMethod(settings, name))}
      />
      <Choice
        title="Segments"
        names={segmenterChoices}
        titleOf={(name) => segmenterTitles[name]}
        chosen={segmenter}
        onChoose={(name) => onSettings({ segmenter: name, parameters: null })}
      />
      <Choice
        title="Sampling"
        names={methodChoices[method].samplings}
        titleOf={(name) => samplingTitles[name]}
        chosen={samplingOf(samples)}
        onChoose={(name) => onSettings({ samples: name === 'number' ? plainSide.settings.samples : name })}
      />
      <NumberField
        title="Samples"
        isDisabled={typeof samples !== 'number'}
        min={1}
        max={maxSamples}
        value={typeof samples === 'number' ? samples : null}
        placeholder={amounts[samples]}
        isTakenAtOnce
        onValue={(value) => onSettings({ samples: value })}
      />
      <NumberField
        title="Random seed"
        min={0}
        max={maxSeed}
        value={seed}
        isTakenAtOnce
        onValue={(value) => onSettings({ seed: value })}
      />
      <SegmenterSettings
        settings={settings}
        parameters={settings.parameters ?? initialParameters(segmenter)}
        onSettings={onSettings}
      />
    </div>
  )
}

/** With another method; samples that it does not take are as usual. */
function withMethod({ samples }: ExplanationSettings, method: MethodName): Partial<ExplanationSettings> {
  const isTaken = methodChoices[method].samplings.includes(samplingOf(samples))
  return { method, samples: isTaken ? samples : plainSide.settings.samples }
}
