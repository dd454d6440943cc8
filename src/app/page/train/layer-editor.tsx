import type { ComponentChildren } from 'preact'
import { task } from '../../tasks/chosen-task.ts'
import { type LayerChoice, layerTitles, maxLayers, newLayers } from '../contract/layer-stack.ts'
import { MenuButton } from '../parts/menu-button.tsx'

const [height, width] = task.inputShape
const kinds = Object.keys(newLayers) as LayerChoice['kind'][]

/** The network's layers, to add, change, move and remove; the last one is always there. */
export function LayerEditor({
  layers,
  onLayers,
}: {
  layers: readonly LayerChoice[]
  onLayers: (layers: readonly LayerChoice[]) => void
}) {
  const replace = (at: number, layer: LayerChoice) => onLayers(layers.map((old, i) => (i === at ? layer : old)))
  const swap = (at: number) => {
    const moved = [...layers]
    moved.splice(at - 1, 2, layers[at], layers[at - 1])
    onLayers(moved)
  }
  return (
    <>
      <ol>
        <li class="fixed-layer">
          {height} × {width} pixels
        </li>
        {layers.map((layer, at) => (
          <li key={at}>
            <span class="layer-title">{layerTitles[layer.kind]}</span>
            <LayerFields layer={layer} at={at} onLayer={(changed) => replace(at, changed)} />
            <span class="layer-buttons">
              <IconButton title={`Move layer ${at + 1} up`} isDisabled={at === 0} onPress={() => swap(at)}>
                ↑
              </IconButton>
              <IconButton
                title={`Remove layer ${at + 1}`}
                isDisabled={false}
                onPress={() => onLayers(layers.filter((_, i) => i !== at))}
              >
                ×
              </IconButton>
            </span>
          </li>
        ))}
        <li class="fixed-layer">Softmax over {task.classNames.length} classes</li>
      </ol>
      <MenuButton
        title={layers.length >= maxLayers ? 'There is no room for more layers' : 'Add a layer'}
        items={kinds.map((kind) => ({ name: kind, title: layerTitles[kind] }))}
        isDisabled={layers.length >= maxLayers}
        onChoose={(kind) => onLayers([...layers, newLayers[kind]])}
      />
    </>
  )
}

function LayerFields({
  layer,
  at,
  onLayer,
}: {
  layer: LayerChoice
  at: number
  onLayer: (layer: LayerChoice) => void
}) {
  switch (layer.kind) {
    case 'conv2d':
      return (
        <span class="layer-fields">
          <Choice
            title={`Filters of layer ${at + 1}`}
            words="filters"
            values={[4, 8, 16, 24, 32, 48, 64, 96]}
            value={layer.filters}
            onValue={(filters) => onLayer({ ...layer, filters })}
          />
          <Choice
            title={`Window of layer ${at + 1}`}
            words="window"
            values={[1, 3, 5, 7]}
            value={layer.kernelSize}
            onValue={(kernelSize) => onLayer({ ...layer, kernelSize })}
          />
        </span>
      )
    case 'dense':
      return (
        <Choice
          title={`Units of layer ${at + 1}`}
          words="units"
          values={[8, 16, 32, 64, 128, 256]}
          value={layer.units}
          onValue={(units) => onLayer({ ...layer, units })}
        />
      )
    case 'dropout':
      return (
        <Choice
          title={`Share that layer ${at + 1} drops`}
          words="dropped"
          values={[0.1, 0.25, 0.4, 0.5]}
          value={layer.rate}
          onValue={(rate) => onLayer({ ...layer, rate })}
        />
      )
    case 'maxPooling2d':
      return null
  }
}

function Choice({
  title,
  words,
  values,
  value,
  onValue,
}: {
  title: string
  words: string
  values: readonly number[]
  value: number
  onValue: (value: number) => void
}) {
  return (
    <span class="layer-choice">
      <select aria-label={title} value={value} onChange={({ currentTarget }) => onValue(Number(currentTarget.value))}>
        {values.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
      <span aria-hidden="true">{words}</span>
    </span>
  )
}

function IconButton({
  title,
  isDisabled,
  onPress,
  children,
}: {
  title: string
  isDisabled: boolean
  onPress: () => void
  children: ComponentChildren
}) {
  return (
    <button type="button" class="quiet icon" aria-label={title} title={title} disabled={isDisabled} onClick={onPress}>
      {children}
    </button>
  )
}
