import { useState } from 'preact/hooks'
import type { StatedImages } from '../../../engine/formats/opened-model.ts'
import { saysValues } from '../../tasks/answers.ts'
import type { PhotographNetwork } from '../contract/photograph-api.ts'
import type { PixelNumbers } from '../contract/pixel-numbers.ts'
import { count } from '../number-format.ts'
import { messageOf } from '../worker/use-engine.ts'
import { NetworkQuestions } from './network-questions.tsx'
import { outputTitles } from './output-titles.ts'
import type { PhotographClient } from './photograph-client.ts'
import { preprocessingInWords } from './preprocessings.ts'

const colourTitles = { rgb: 'red, green, blue', bgr: 'blue, green, red', grey: 'grey' } as const

/** How a network takes pictures and what its numbers are, each with where that is known from; people are asked for what nothing tells. */
export function NetworkKnowledge({
  client,
  network,
  onDescribed,
  onProblem,
}: {
  client: PhotographClient
  network: PhotographNetwork
  onDescribed: (network: PhotographNetwork) => void
  onProblem: (problem: string | null) => void
}) {
  const [isChanging, setChanging] = useState(false)
  const { task, unknown, classNames } = network
  const describe = async (said: StatedImages, pixels: PixelNumbers | null) => {
    onProblem(null)
    try {
      onDescribed(await client.describeNetwork(network.id, said, pixels))
      setChanging(false)
    } catch (error) {
      onProblem(`That does not fit the network: ${messageOf(error)}`)
    }
  }
  const questions = <NetworkQuestions client={client} network={network} onDescribe={describe} onProblem={onProblem} />
  if (unknown.length > 0)
    return (
      <section class="network-questions" aria-label="About the network">
        <p>
          <strong>
            {network.title} is open. Its file does not say {unknownInWords(unknown)}.
          </strong>
        </p>
        <p class="hint">
          Where it was published, or in the program that trained it, look for “preprocessing”, “transforms” or
          “normalize”. With the wrong answer a network sees something else, and says so confidently.
        </p>
        {questions}
      </section>
    )
  const [height, width] = task.pictureShape
  const isOfValues = saysValues(task)
  const facts: readonly (readonly [what: string, value: string, source: string])[] = [
    ['Picture', `${height} × ${width} pixels`, task.layout.source],
    ['Colours', colourTitles[task.channels.value], task.channels.source],
    [
      'Pixels',
      task.preprocessing ? preprocessingInWords(task.preprocessing.value) : '',
      task.preprocessing?.source ?? '',
    ],
    ['Answers', task.output ? outputTitles[task.output.value] : '', task.output?.source ?? ''],
    [
      isOfValues ? 'Values' : 'Classes',
      count(classNames.length),
      task.classNames?.source ?? 'the shape of its output; nobody named them',
    ],
  ]
  return (
    <details class="network-knowledge">
      <summary>
        How it takes pictures{' '}
        <span class="hint">
          {height} × {width} pixels, {numbersInWords(classNames.length, isOfValues)}, {count(network.parameters)}{' '}
          parameters
        </span>
      </summary>
      <table>
        <caption class="visually-hidden">What is known of the network, and where from</caption>
        <thead class="visually-hidden">
          <tr>
            <th scope="col">What</th>
            <th scope="col">How</th>
            <th scope="col">Known from</th>
          </tr>
        </thead>
        <tbody>
          {facts.map(([what, value, source]) => (
            <tr key={what}>
              <th scope="row">{what}</th>
              <td>{value}</td>
              <td class="hint">{source}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {isChanging ? (
        questions
      ) : (
        <button type="button" onClick={() => setChanging(true)}>
          Say it otherwise…
        </button>
      )}
    </details>
  )
}

function numbersInWords(numbers: number, isOfValues: boolean): string {
  const [one, more] = isOfValues ? ['value', 'values'] : ['class', 'classes']
  return `${count(numbers)} ${numbers === 1 ? one : more}`
}

function unknownInWords(unknown: PhotographNetwork['unknown']): string {
  const words = { preprocessing: 'how it takes pixels', output: 'what its numbers are' }
  return unknown.map((each) => words[each]).join(', or ')
}
