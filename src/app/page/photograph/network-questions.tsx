import { useState } from 'preact/hooks'
import type { Stated, StatedImages } from '../../../engine/formats/opened-model.ts'
import { type OutputKind, outputKinds } from '../../../engine/model/picture-network.ts'
import type { PhotographNetwork } from '../contract/photograph-api.ts'
import { type PixelNumbers, pixelNumbersAsText, pixelNumbersFrom } from '../contract/pixel-numbers.ts'
import { count } from '../number-format.ts'
import { FileButton } from '../parts/file-button.tsx'
import { messageOf } from '../worker/use-engine.ts'
import { outputTitles } from './output-titles.ts'
import type { PhotographClient } from './photograph-client.ts'
import { PixelNumberFields } from './pixel-number-fields.tsx'
import { type PreprocessingName, preprocessings } from './preprocessings.ts'

const source = 'you said so'
/** Chosen as long as nothing is. */
const asKnown = ''
/** In numbers that are typed. */
const inNumbers = 'numbers'

/** What a network's file does not say, or says otherwise, as people know it. */
export function NetworkQuestions({
  client,
  network: { task, pixels: before, unknown },
  onDescribe,
  onProblem,
}: {
  client: PhotographClient
  network: PhotographNetwork
  onDescribe: (said: StatedImages, pixels: PixelNumbers | null) => void
  onProblem: (problem: string | null) => void
}) {
  const [pixels, setPixels] = useState<PreprocessingName | typeof inNumbers | typeof asKnown>(asKnown)
  const [texts, setTexts] = useState(pixelNumbersAsText(before))
  const [output, setOutput] = useState<OutputKind | typeof asKnown>(asKnown)
  const [channels, setChannels] = useState(task.channels.value)
  const [classNames, setClassNames] = useState<Stated<readonly string[]> | null>(null)
  const isColour = task.channels.value !== 'grey'
  const takeNames = async (file: File) => {
    try {
      setClassNames({ value: await client.readClassNames(file), source: file.name })
      onProblem(null)
    } catch (error) {
      onProblem(`${file.name} is no list of class names: ${messageOf(error)}`)
    }
  }
  const said = (): StatedImages => ({
    ...(pixels !== asKnown &&
      pixels !== inNumbers && { preprocessing: { value: preprocessings[pixels].value, source } }),
    ...(output !== asKnown && { output: { value: output, source } }),
    ...(channels !== task.channels.value && { channels: { value: channels, source } }),
    ...(classNames && { classNames }),
  })
  const numbers = pixels === inNumbers ? pixelNumbersFrom(texts) : pixels === asKnown ? before : null
  const isAnswered =
    (pixels === asKnown ? !unknown.includes('preprocessing') : pixels !== inNumbers || numbers !== null) &&
    (output !== asKnown || !unknown.includes('output'))
  const nothing = (what: PhotographNetwork['unknown'][number]) => (unknown.includes(what) ? 'Choose' : 'As known')
  return (
    <form
      class="setting-fields"
      onSubmit={(event) => {
        event.preventDefault()
        if (isAnswered) onDescribe(said(), numbers)
      }}
    >
      <label>
        It takes a pixel as
        <select
          value={pixels}
          onChange={({ currentTarget: { value } }) =>
            setPixels(value === inNumbers ? value : value in preprocessings ? (value as PreprocessingName) : asKnown)
          }
        >
          <option value={asKnown}>{nothing('preprocessing')}</option>
          {Object.entries(preprocessings)
            .filter(([name]) => isColour || name !== 'imagenet')
            .map(([name, { title }]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          <option value={inNumbers}>by scale, mean and std…</option>
        </select>
      </label>
      {pixels === inNumbers && <PixelNumberFields texts={texts} onTexts={setTexts} />}
      {isColour && (
        <label>
          Order of its colours
          <select
            value={channels}
            onChange={({ currentTarget: { value } }) => setChannels(value === 'bgr' ? 'bgr' : 'rgb')}
          >
            <option value="rgb">red, green, blue (usual)</option>
            <option value="bgr">blue, green, red</option>
          </select>
        </label>
      )}
      <label>
        Its numbers are
        <select
          value={output}
          onChange={({ currentTarget: { value } }) => setOutput(outputKinds.find((kind) => kind === value) ?? asKnown)}
        >
          <option value={asKnown}>{nothing('output')}</option>
          {outputKinds.map((kind) => (
            <option key={kind} value={kind}>
              {outputTitles[kind]}
            </option>
          ))}
        </select>
      </label>
      <div class="file-choice">
        <FileButton
          title="Class names…"
          label="Names of its classes, one a line"
          accept=".txt,.json,.csv"
          onFiles={([file]) => takeNames(file)}
        />
        <span class="hint">
          {classNames ? `${count(classNames.value.length)} names from ${classNames.source}` : 'one a line'}
        </span>
      </div>
      <button type="submit" class="primary" disabled={!isAnswered}>
        Use it so
      </button>
    </form>
  )
}
