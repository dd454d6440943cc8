import {
  type NetworkName,
  networkNames,
  type OwnNetwork,
  type ShippedNetwork,
  shippedNetworks,
} from '../contract/engine-api.ts'
import { percent } from '../number-format.ts'
import type { Accuracies } from '../worker/use-engine.ts'
import { Choice } from './choice.tsx'

const titles: Readonly<Record<ShippedNetwork, string>> = { tutorial: 'The tutorial’s', resnet: 'A residual network' }

/** Which network answers. */
export function NetworkSelect({
  network,
  ownNetwork,
  accuracies,
  onNetwork,
}: {
  network: NetworkName
  ownNetwork: OwnNetwork | null
  accuracies: Accuracies
  onNetwork: (network: NetworkName) => void
}) {
  const titleOf = (name: NetworkName) => {
    if (name === 'own') return `Yours (${ownNetwork?.title})`
    const accuracy = accuracies[name]
    return accuracy === undefined ? titles[name] : `${titles[name]} (${percent(accuracy)} right)`
  }
  return (
    <Choice
      title="Network"
      names={ownNetwork ? networkNames : shippedNetworks}
      titleOf={titleOf}
      chosen={network}
      onChoose={onNetwork}
    />
  )
}
