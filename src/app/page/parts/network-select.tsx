import type { NetworkName, OwnNetwork } from '../contract/engine-api.ts'
import { Choice } from './choice.tsx'

const networkNames: readonly NetworkName[] = ['tutorial', 'own']

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
    <Choice
      title="Network"
      names={networkNames}
      titleOf={(name) => (name === 'own' ? `Yours (${ownNetwork.title})` : 'The tutorial’s')}
      chosen={network}
      onChoose={onNetwork}
    />
  )
}
