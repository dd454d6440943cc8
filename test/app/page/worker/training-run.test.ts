import { describe, expect, test } from 'vitest'
import type { ImageSet } from '../../../../src/app/data/image-set.ts'
import type {
  LayersRecipe,
  NamedRecipe,
  TrainingEvent,
  TrainingRecipe,
} from '../../../../src/app/page/contract/engine-api.ts'
import type { LayerChoice } from '../../../../src/app/page/contract/layer-stack.ts'
import { TrainingRun } from '../../../../src/app/page/worker/training-run.ts'
import { untrained } from '../../../../src/app/page/worker/untrained-networks.ts'
import { CpuDevice } from '../../../../src/engine/cpu/device.ts'
import { type Device, DeviceLostError, type Model, TrainingDivergedError } from '../../../../src/engine/index.ts'

/** A training on the page when devices change and go, without a page: nothing of it may depend on that. */

const layers: readonly LayerChoice[] = [
  { kind: 'conv2d', filters: 4, kernelSize: 3 },
  { kind: 'maxPooling2d' },
  { kind: 'dropout', rate: 0.25 },
]
const recipe: LayersRecipe = { layers, learningRate: 0.01, batchSize: 16, epochs: 3, images: 80, seed: 2 }
/** With batch norms, chance and a schedule. Nothing is watched: its explanations take seconds. */
const residual: NamedRecipe = { network: 'resnet', batchSize: 8, epochs: 3, images: 40, seed: 2 }

/** Images whose class is the row that is bright. */
function rows(count: number): ImageSet {
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 10)
  const images = new Uint8Array(count * 784)
  labels.forEach((label, i) => images.fill(200 + (i % 50), i * 784 + label * 56, i * 784 + label * 56 + 40))
  return { images, labels, count, height: 28, width: 28 }
}

const material = { training: rows(80), test: rows(40), validation: 40 }

function begin(events: TrainingEvent[] = [], trained: TrainingRecipe = recipe) {
  const soFar = { checkpoint: null, log: [], points: [] }
  const watched = 'layers' in trained ? [3] : []
  const beginning = untrained(trained)
  return {
    network: beginning.network,
    run: new TrainingRun(beginning, material, trained, watched, soFar, (event) => events.push(event)),
  }
}

/** A device that is lost in its run of that number. */
function mortal(runs: number): Device {
  const device = new CpuDevice()
  const run = device.run.bind(device)
  let done = 0
  device.run = async (program, inputs) => {
    if (++done > runs) throw new DeviceLostError('the driver was reset')
    return run(program, inputs)
  }
  return device
}

const weightsOf = ({ weights }: Model) => weights.map(({ data }) => data.slice())
const never = () => new AbortController().signal

async function trained(recipe: TrainingRecipe): Promise<Float32Array[]> {
  const { network, run } = begin([], recipe)
  const device = new CpuDevice()
  await run.arrive(device)
  await run.run(device, never())
  return weightsOf(network)
}

describe.each<[string, TrainingRecipe]>([
  ['of layers', recipe],
  ['of the residual network', residual],
])('a training %s', (_what, recipe) => {
  test('that moves between two steps to another device goes on as if it had not', async () => {
    const events: TrainingEvent[] = []
    const { network, run } = begin(events, recipe)
    const first = new CpuDevice()
    await run.arrive(first)
    const ended = run.run(first, never())
    while (!events.some(({ kind }) => kind === 'steps')) await new Promise((resolve) => setTimeout(resolve, 1))
    run.steer('pause')
    while (!events.some(({ kind }) => kind === 'paused')) await new Promise((resolve) => setTimeout(resolve, 1))
    await run.leave()
    await run.arrive(new CpuDevice())
    run.steer('resume')
    await ended
    first.dispose()
    expect(weightsOf(network)).toEqual(await trained(recipe))
    expect(events.filter(({ kind }) => kind === 'epoch')).toHaveLength(3)
    // There is no IndexedDB here, and that is said once.
    const notes = events.flatMap((event) => (event.kind === 'note' ? [event.text] : []))
    expect(notes).toHaveLength(1)
    expect(notes[0]).toContain("can't keep the training")
  })

  test('whose device is lost goes on elsewhere, from what it kept last', async () => {
    const events: TrainingEvent[] = []
    const { network, run } = begin(events, recipe)
    const first = mortal(12)
    await run.arrive(first)
    const ended = run.run(first, never())
    while (!events.some((event) => event.kind === 'note' && event.text.startsWith('The device was lost')))
      await new Promise((resolve) => setTimeout(resolve, 1))
    await run.leave()
    await run.arrive(new CpuDevice())
    await ended
    expect(weightsOf(network)).toEqual(await trained(recipe))
    // What it had told of and lost is told of again, and taken back before.
    let places: number[] = []
    for (const event of events) {
      if (event.kind === 'back') places = places.filter((place) => place <= (event.epoch - 1) * 5 + event.step)
      if (event.kind === 'steps') places.push(...event.points.map(({ epoch, step }) => (epoch - 1) * 5 + step))
    }
    expect(places).toEqual(Array.from({ length: 15 }, (_, i) => i + 1))
    expect(events.some(({ kind }) => kind === 'back')).toBe(true)
  })
})

describe('a training', () => {
  test('that is let go on while it still prepares its pause never says that it is held', async () => {
    const events: TrainingEvent[] = []
    const { run } = begin(events)
    const device = new CpuDevice()
    await run.arrive(device)
    run.steer('pause')
    const ended = run.run(device, never())
    // At the start the picture is explained anyway; the second time it is for the pause, which is told of next.
    const push = events.push.bind(events)
    let watched = 0
    events.push = (...told) => {
      if (told.some(({ kind }) => kind === 'watched') && ++watched === 2) run.steer('resume')
      return push(...told)
    }
    await ended
    expect(events.filter(({ kind }) => kind === 'paused')).toEqual([])
  })

  test('does every step that was asked for, also those asked for before it is held again', async () => {
    const events: TrainingEvent[] = []
    const { run } = begin(events)
    const device = new CpuDevice()
    await run.arrive(device)
    const held = async (count: number) => {
      while (events.filter(({ kind }) => kind === 'paused').length < count)
        await new Promise((resolve) => setTimeout(resolve, 1))
    }
    run.steer('pause')
    const controller = new AbortController()
    const ended = run.run(device, controller.signal)
    await held(1)
    for (let i = 0; i < 3; i++) run.steer('step')
    await held(2)
    expect(events.at(-1)).toEqual({ kind: 'paused', epoch: 1, step: 3 })
    controller.abort()
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('that is stopped ends after its step with the reason, and leaves the network as it is', async () => {
    const events: TrainingEvent[] = []
    const { network, run } = begin(events)
    const device = new CpuDevice()
    await run.arrive(device)
    const controller = new AbortController()
    run.steer('step')
    const ended = run.run(device, controller.signal)
    while (!events.some(({ kind }) => kind === 'paused')) await new Promise((resolve) => setTimeout(resolve, 1))
    controller.abort()
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' })
    expect(weightsOf(network)).not.toEqual(weightsOf(begin().network))
    expect(weightsOf(network).every((data) => data.every(Number.isFinite))).toBe(true)
  })

  test('whose steps are too large ends and says so, has told of each step before, and leaves a network of use', async () => {
    const events: TrainingEvent[] = []
    const { network, run } = begin(events, { ...recipe, learningRate: 1e30 })
    const device = new CpuDevice()
    await run.arrive(device)
    const error: unknown = await run.run(device, never()).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TrainingDivergedError)
    expect(error).toMatchObject({ epoch: 1, step: 2 })
    expect(String(error)).toMatch(/the loss of step 2 of 5 in epoch 1 is (NaN|Infinity): .*a smaller learning rate/)
    const told = events.flatMap((event) => (event.kind === 'steps' ? event.points : []))
    expect(told.map(({ step }) => step)).toEqual([1])
    expect(weightsOf(network)).toEqual(weightsOf(begin().network))
  })

  test('explains what is watched, at the start, at its end, and in a pause', async () => {
    const events: TrainingEvent[] = []
    const { run } = begin(events)
    const device = new CpuDevice()
    await run.arrive(device)
    await run.run(device, never())
    const moments = events.flatMap((event) => (event.kind === 'watched' ? [event.moment] : []))
    expect(moments[0]).toMatchObject({ epoch: 1, step: 0 })
    expect(moments.at(-1)).toMatchObject({ epoch: 3, step: 5 })
    for (const { pictures } of moments) expect(pictures.map(({ index }) => index)).toEqual([3])
    const [{ weights, trueProbability }] = moments.at(-1)?.pictures ?? []
    expect(weights.length).toBeGreaterThan(0)
    expect(trueProbability).toBeGreaterThan(moments[0].pictures[0].trueProbability)
  })
})
