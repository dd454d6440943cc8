import { type SegmentedIn, segmentedIn } from '../../photographs/photograph-segments.ts'
import { hiddenChoices } from '../contract/explanation-settings.ts'
import { maxSamples, maxSeed } from '../contract/page-address.ts'
import {
  type PhotographSegmenter,
  type PhotographSettings,
  photographSegmenters,
  plainPhotographSettings,
  segmentCounts,
} from '../contract/photograph-settings.ts'
import { hiddenTitles } from '../explain/segmenter-settings.tsx'
import { count } from '../number-format.ts'
import { Choice } from '../parts/choice.tsx'
import { NumberField } from '../parts/number-field.tsx'

const segmenterTitles: Readonly<Record<PhotographSegmenter, string>> = {
  auto: 'To suit the picture (SLIC)',
  quickshift: 'Quickshift (lime’s)',
  felzenszwalb: 'Felzenszwalb',
  grid: 'Squares, 7 × 7',
  own: 'Drawn by you',
}

const segmentedInTitles: Readonly<Record<SegmentedIn, string>> = {
  network: 'in what the network gets to see',
  photograph: 'in the photograph, with finer edges',
}

const samplingTitles = {
  plain: 'A fixed number',
  balanced: 'A fixed number, balanced',
  auto: 'Until settled (balanced)',
} as const

/** How a photograph is explained. */
export function PhotographSettingFields({
  settings,
  hasOwn,
  onSettings,
}: {
  settings: PhotographSettings
  /** Whether somebody drew segments. */
  hasOwn: boolean
  onSettings: (changed: Partial<PhotographSettings>) => void
}) {
  const { segmenter, segments, samples, sampling, seed, hidden } = settings
  const names = photographSegmenters.filter((name) => name !== 'own' || hasOwn || segmenter === 'own')
  return (
    <div class="setting-fields">
      <Choice
        title="Parts of the picture"
        names={names}
        titleOf={(name) => segmenterTitles[name]}
        chosen={segmenter}
        onChoose={(name) => onSettings({ segmenter: name })}
      />
      <NumberField
        title="About how many parts"
        isDisabled={segmenter !== 'auto'}
        {...segmentCounts}
        value={segmenter === 'auto' ? segments : null}
        placeholder="as they come"
        isTakenAtOnce
        onValue={(value) => onSettings({ segments: value })}
      />
      <Choice
        title="They are looked for"
        names={segmentedIn}
        titleOf={(name) => segmentedInTitles[name]}
        chosen={settings.segmentedIn}
        isDisabled={segmenter === 'own'}
        onChoose={(name) => onSettings({ segmentedIn: name })}
      />
      <Choice
        title="Sampling"
        names={['plain', 'balanced', 'auto'] as const}
        titleOf={(name) => samplingTitles[name]}
        chosen={samples === 'auto' ? 'auto' : sampling}
        onChoose={(name) =>
          onSettings(
            name === 'auto'
              ? { samples: name }
              : { samples: samples === 'auto' ? plainPhotographSettings.samples : samples, sampling: name },
          )
        }
      />
      <NumberField
        title="Samples"
        isDisabled={samples === 'auto'}
        min={1}
        max={maxSamples}
        value={samples === 'auto' ? null : samples}
        placeholder="as many as it takes"
        isTakenAtOnce
        onValue={(value) => onSettings({ samples: value })}
      />
      <p class="hint wide">
        Balanced samples hide each part, and each two together, equally often: fewer of them are as exact. Plain ones
        are those of Python’s lime.
      </p>
      <NumberField
        title="Random seed"
        min={0}
        max={maxSeed}
        value={seed}
        isTakenAtOnce
        onValue={(value) => onSettings({ seed: value })}
      />
      <Choice
        title="Hidden parts show"
        names={hiddenChoices}
        titleOf={(name) => hiddenTitles[name]}
        chosen={hidden}
        onChoose={(name) => onSettings({ hidden: name })}
      />
    </div>
  )
}

/** How it is explained, in short. */
export function settingsInWords({ segmenter, segments, samples, sampling, seed }: PhotographSettings): string {
  const parts = segmenter === 'auto' ? `about ${segments} parts` : segmenterTitles[segmenter]
  const balanced = sampling === 'balanced' ? 'balanced ' : ''
  return `${parts}, ${samples === 'auto' ? 'until settled' : `${count(samples)} ${balanced}samples`}, seed ${seed}`
}
