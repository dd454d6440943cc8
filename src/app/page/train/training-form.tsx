import { useEffect, useRef, useState } from 'preact/hooks'
import type { NetworkChoice, NetworkOutline, TrainingRecipe } from '../contract/engine-api.ts'
import { maxSeed } from '../contract/page-address.ts'
import { Choice } from '../parts/choice.tsx'
import type { EngineClient } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'
import { LayerEditor } from './layer-editor.tsx'
import { Outline } from './network-outline.tsx'
import { kindOf, type NetworkKind, networkKinds, recipes } from './recipes.ts'

const kindTitles: Readonly<Record<NetworkKind, string>> = {
  layers: 'Layers that you put together',
  resnet: 'A small residual network',
}

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
  const kind = kindOf(recipe)
  /** Of each kind the last one: whoever looks at the other kind finds it again. */
  const last = useRef<Record<NetworkKind, TrainingRecipe>>({
    layers: recipes.layers.quick,
    resnet: recipes.resnet.quick,
  })
  last.current[kind] = recipe
  const outline = useOutline(engine, 'layers' in recipe ? recipe.layers : recipe.network, onProblem)
  return (
    <form
      class="training-form"
      onSubmit={(event) => {
        event.preventDefault()
        onTrain()
      }}
    >
      <fieldset class="layers" disabled={isTraining}>
        <legend>The network</legend>
        <Choice
          title="What is trained"
          names={networkKinds}
          titleOf={(name) => kindTitles[name]}
          chosen={kind}
          onChoose={(name) => onRecipe(last.current[name])}
        />
        {'layers' in recipe ? (
          <LayerEditor layers={recipe.layers} onLayers={(layers) => onRecipe({ ...recipe, layers })} />
        ) : (
          <p class="hint">
            Convolutions with batch norms, each two of them beside a shortcut. While it learns it sees the images
            mirrored and moved by up to two pixels.
          </p>
        )}
        <Outline outline={outline} />
      </fieldset>
      <CourseFields recipe={recipe} onRecipe={onRecipe} isDisabled={isTraining} />
      {!isTraining && (
        <button type="submit" class="primary" disabled={!canTrain || outline?.problem !== null}>
          Train
        </button>
      )}
    </form>
  )
}

/** What the Worker says of a network before it is trained; null as long as it has not answered. */
function useOutline(
  engine: EngineClient,
  choice: NetworkChoice,
  onProblem: (problem: string) => void,
): NetworkOutline | null {
  const [outline, setOutline] = useState<NetworkOutline | null>(null)
  useEffect(() => {
    let isOutdated = false
    engine.outline(choice).then(
      (known) => {
        if (!isOutdated) setOutline(known)
      },
      (error) => onProblem(`The network can't be put together: ${messageOf(error)}`),
    )
    return () => {
      isOutdated = true
    }
  }, [engine, choice, onProblem])
  return outline
}

/** On which images, how long, how. */
function CourseFields({
  recipe,
  onRecipe,
  isDisabled,
}: {
  recipe: TrainingRecipe
  onRecipe: (recipe: TrainingRecipe) => void
  isDisabled: boolean
}) {
  /** What is being typed. The number alone would not do: that of "0.0", on the way to 0.002, is written "0". */
  const [typed, setTyped] = useState<{ readonly title: string; readonly text: string } | null>(null)
  const field = (
    title: string,
    value: number,
    [min, max, step]: readonly [number, number, number | 'any'],
    changed: (value: number) => TrainingRecipe,
  ) => (
    <label>
      {title}
      <input
        type="number"
        required
        min={min}
        max={max}
        step={step}
        value={typed?.title === title ? typed.text : Number.isNaN(value) ? '' : value}
        onInput={({ currentTarget }) => {
          setTyped({ title, text: currentTarget.value })
          onRecipe(changed(currentTarget.valueAsNumber))
        }}
        onBlur={() => setTyped(null)}
      />
    </label>
  )
  const { quick, whole } = recipes[kindOf(recipe)]
  return (
    <fieldset class="recipe" disabled={isDisabled}>
      <legend>The training</legend>
      {field('Training images', recipe.images, [100, 60_000, 1], (images) => ({ ...recipe, images }))}
      {field('Epochs', recipe.epochs, [1, 100, 1], (epochs) => ({ ...recipe, epochs }))}
      {field('Batch size', recipe.batchSize, [1, 1024, 1], (batchSize) => ({ ...recipe, batchSize }))}
      {'layers' in recipe &&
        field('Learning rate', recipe.learningRate, [0.00001, 1, 'any'], (learningRate) => ({
          ...recipe,
          learningRate,
        }))}
      {field('Random seed', recipe.seed, [0, maxSeed, 1], (seed) => ({ ...recipe, seed }))}
      {!('layers' in recipe) && (
        <p class="hint">Its learning rate rises for an epoch and falls to nothing by the end of the last.</p>
      )}
      <div class="presets">
        <button type="button" onClick={() => onRecipe(quick)}>
          A quick look
        </button>
        <button type="button" onClick={() => onRecipe(whole)}>
          {'layers' in recipe ? 'As in the tutorial' : 'As ours was trained'}
        </button>
      </div>
    </fieldset>
  )
}
