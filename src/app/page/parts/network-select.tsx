import type { NetworkName, OwnNetwork } from '../contract/engine-api.ts'

/** Which network answers; nothing where there is only one. */
export function NetworkSelect({
  network,
  ownNetwork,
  onNetwork,
}: {
  network: NetworkName
  ownNetwork: OwnNetwork | null
  onNetwork: (network: NetworkName) => void
}) {
  if (!ownNetwork) return null
  return (
    <label>
      Network
      <select
        value={network}
        onChange={({ currentTarget }) => onNetwork(currentTarget.value === 'own' ? 'own' : 'tutorial')}
      >
        <option value="tutorial">The tutorial’s</option>
        <option value="own">Yours ({ownNetwork.title})</option>
      </select>
    </label>
  )
}
