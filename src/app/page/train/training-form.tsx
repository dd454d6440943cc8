import { useEffect, useState } from 'preact/hooks'
import type { NetworkOutline, TrainingRecipe } from '../contract/engine-api.ts'
import { maxSeed } from '../contract/page-address.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'
import { LayerEditor } from './layer-editor.tsx'
import { recipes } from './recipes.ts'

/** What to train and how; the button that starts it. */
export function TrainingForm({
  engine,
  recipe,
  onRecipe,
  isTraining,
  canTrain,
  onTrain,
  onProblem,
}: {
  engine: EngineClient
  recipe: TrainingRecipe
  onRecipe: (recipe: TrainingRecipe) => void
  isTraining: boolean
  canTrain: boolean
  onTrain: () => void
  onProblem: (problem: string) => void
}) {
  const [outline, setOutline] = useState<NetworkOutline | null>(null)
  /** What is being typed. The number alone would not do: that of "0.0", on the way to 0.002, is written "0". */
  const [typed, setTyped] = useState<{ readonly name: string; readonly text: string } | null>(null)
  const { layers } = recipe
  useEffect(() => {
    let isOutdated = false
    engine.outline(layers).then(
      (known) => {
        if (!isOutdated) setOutline(known)
      },
      (error) => onProblem(`The network can't be put together: ${messageOf(error)}`),
    )
    return () => {
      isOutdated = true
    }
  }, [engine, layers, onProblem])

  const field = (
    title: string,
    name: 'learningRate' | 'batchSize' | 'epochs' | 'images' | 'seed',
    [min, max, step]: readonly [number, number, number | 'any'],
  ) => (
    <label>
      {title}
      <input
        type="number"
        required
        min={min}
        max={max}
        step={step}
        value={typed?.name === name ? typed.text : Number.isNaN(recipe[name]) ? '' : recipe[name]}
        onInput={({ currentTarget }) => {
          setTyped({ name, text: currentTarget.value })
          onRecipe({ ...recipe, [name]: currentTarget.valueAsNumber })
        }}
        onBlur={() => setTyped(null)}
      />
    </label>
  )
  return (
    <form
      class="training-form"
      onSubmit={(event) => {
        event.preventDefault()
        onTrain()
      }}
    >
      <LayerEditor
        layers={layers}
        outline={outline}
        isDisabled={isTraining}
        onLayers={(changed) => onRecipe({ ...recipe, layers: changed })}
      />
      <fieldset class="recipe" disabled={isTraining}>
        <legend>The training</legend>
        {field('Training images', 'images', [100, 60_000, 1])}
        {field('Epochs', 'epochs', [1, 100, 1])}
        {field('Batch size', 'batchSize', [1, 1024, 1])}
        {field('Learning rate', 'learningRate', [0.00001, 1, 'any'])}
        {field('Random seed', 'seed', [0, maxSeed, 1])}
        <div class="presets">
          <button type="button" onClick={() => onRecipe(recipes.quick)}>
            A quick look
          </button>
          <button type="button" onClick={() => onRecipe(recipes.tutorial)}>
            As in the tutorial
          </button>
        </div>
      </fieldset>
      {!isTraining && (
        <button type="submit" class="primary" disabled={!canTrain || outline?.problem !== null}>
          Train
        </button>
      )}
    </form>
  )
}
