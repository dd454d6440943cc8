import type { NetworkOffer, PhotographNetwork } from '../contract/photograph-api.ts'
import { FileButton } from '../parts/file-button.tsx'
import { NetworkKnowledge } from './network-knowledge.tsx'
import type { PhotographClient } from './photograph-client.ts'
import type { NetworkControl } from './use-network.ts'

/** Which network looks at the photograph: chosen, downloaded, opened; and what is known of it. */
export function NetworkChoice({
  client,
  offers,
  id,
  control: { opened, download, stop },
  onNetwork,
  onFiles,
  onDescribed,
  onProblem,
}: {
  client: PhotographClient
  offers: readonly NetworkOffer[] | null
  id: string | null
  control: NetworkControl
  onNetwork: (id: string) => void
  onFiles: (files: readonly File[]) => void
  onDescribed: (network: PhotographNetwork) => void
  onProblem: (problem: string | null) => void
}) {
  const isKnown = offers?.some((offer) => offer.id === id) ?? false
  return (
    <div class="network-choice">
      <label>
        Network
        <select
          value={isKnown && id !== null ? id : ''}
          disabled={offers === null}
          onChange={({ currentTarget: { value } }) => value !== '' && onNetwork(value)}
        >
          {!isKnown && <option value="">{offers === null ? 'Looking for networks…' : 'Choose a network'}</option>}
          {offers?.map((offer) => (
            <option key={offer.id} value={offer.id}>
              {offer.title}
              {offer.place === 'elsewhere' && `, ${megabytes(offer.bytes)} to download`}
              {offer.about === null && ' (your file)'}
            </option>
          ))}
        </select>
      </label>
      <FileButton title="Open a file…" label="A network of your own" multiple onFiles={onFiles} />
      {opened.phase === 'offered' && <Offer offer={opened.offer} onDownload={download} />}
      {opened.phase === 'opening' && (
        <div class="network-coming">
          <div class="progress">
            <progress
              max={1}
              value={opened.fetched ? opened.fetched.received / opened.fetched.total : undefined}
              aria-label="Download of the network"
            />
            <span aria-hidden="true">
              {opened.fetched
                ? `${megabytes(opened.fetched.received)} of ${megabytes(opened.fetched.total)}`
                : 'Opening the network'}
            </span>
          </div>
          <button type="button" class="stop" onClick={stop}>
            Stop
          </button>
        </div>
      )}
      {opened.phase === 'missing' && (
        <p class="asked-for" role="status">
          This link was made with a network from somebody’s own file, which no link can hold. If you have that file,
          open it here; or choose another network.
        </p>
      )}
      {opened.phase === 'none' && (
        <p class="hint">
          Choose one that people know, or open a file of your own: ONNX, Keras, TensorFlow Lite, safetensors, or all
          files of one of TensorFlow.js. It stays in this browser.
        </p>
      )}
      {opened.phase === 'open' && (
        <NetworkKnowledge
          key={opened.network.id}
          client={client}
          network={opened.network}
          onDescribed={onDescribed}
          onProblem={onProblem}
        />
      )}
    </div>
  )
}

/** What a download would bring, and from where. */
function Offer({ offer: { about, bytes }, onDownload }: { offer: NetworkOffer; onDownload: () => void }) {
  return (
    <div class="network-offer">
      {about && (
        <p class="hint">
          {about.what}. Licence: {about.licence}; <a href={about.home}>where it is described</a>. It comes from{' '}
          {about.server}, is compared with the original, and stays in this browser.
        </p>
      )}
      <button type="button" class="primary" onClick={onDownload}>
        Download {megabytes(bytes)}
      </button>
    </div>
  )
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
