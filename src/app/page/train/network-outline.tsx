import { Fragment } from 'preact'
import type { NetworkOutline } from '../contract/engine-api.ts'
import { count } from '../number-format.ts'

/** What is known of a network before it is trained: how large it is, its layers, or why it is none. */
export function Outline({ outline }: { outline: NetworkOutline | null }) {
  return (
    <>
      <p class={outline?.problem ? 'warning' : 'hint'} role="status">
        {outline?.problem
          ? `This is no network yet: ${outline.problem}.`
          : outline && `${count(outline.parameters)} parameters.`}
      </p>
      {outline && !outline.problem && (
        <details>
          <summary>Shapes and parameters</summary>
          <table class="layer-table">
            <thead>
              <tr>
                <th scope="col">Layer</th>
                <th scope="col">Output</th>
                <th scope="col">Parameters</th>
              </tr>
            </thead>
            <tbody>
              {outline.layers.map(({ title, outputShape, parameters, takes }, at) => (
                <tr key={at}>
                  <th scope="row">
                    {breakable(title)}
                    {takes.length > 0 && <span class="takes">of {breakable(takes.join(' and '))}</span>}
                  </th>
                  <td class="number">{outputShape.join(' × ')}</td>
                  <td class="number">{count(parameters)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </>
  )
}

/** Names of layers are long: a narrow column may break them where their words end. */
function breakable(names: string) {
  return names.split(/(?<=_)(?=[a-z])/).map((word, at) => (
    <Fragment key={at}>
      {word}
      <wbr />
    </Fragment>
  ))
}
