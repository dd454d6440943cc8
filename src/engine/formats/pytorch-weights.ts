import { shown } from '../arguments.ts'
import { FormatError } from '../errors.ts'
import { type LayeredNetwork, type LayerOutline, layersOf } from '../model/layered.ts'
import type { ParameterValues } from '../model/parameters.ts'
import { formatShape, type Shape, sizeOf } from '../tensor.ts'
import { permuted } from './operators/host-tensor.ts'
import type { StoredTensor } from './safetensors.ts'

/**
 * A PyTorch state dict for a network of ours. PyTorch's kernels are [out, in, height, width], ours [height, width, in, out]; its images
 * are flattened channel by channel, ours pixel by pixel. The file knows its modules by name only, in alphabetical order: which of them a
 * layer is, tell its name, its shapes, and, of several of the same shapes, numbers in their names.
 */

/** A weight of a layer as PyTorch has it, and how it becomes ours. */
interface TorchWeight {
  readonly name: string
  readonly shape: Shape
  readonly toOurs: (data: StoredTensor['data']) => ArrayLike<number>
}

/** A layer that needs weights. */
interface WantedLayer {
  readonly outline: LayerOutline
  readonly weights: readonly TorchWeight[]
  readonly signature: string
}

/** Tensors that have the same name up to the last point. */
interface TorchModule {
  readonly name: string
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly signature: string
}

/**
 * @param names of modules, by those of our layers, where the rest does not tell
 * @throws FormatError with all layers that have no module, and all modules that have no layer
 */
export function pytorchWeights(
  network: LayeredNetwork,
  state: ReadonlyMap<string, StoredTensor>,
  names: Readonly<Record<string, string>> = {},
): ParameterValues {
  const wanted = layersOf(network.calls)
    .filter(({ weights }) => weights.length > 0)
    .map((outline) => wantedOf(network, outline))
  const modules = modulesOf(state)
  const pairs = pair(wanted, modules, names)
  const taken = new Set(pairs.values())
  const without = wanted.filter((layer) => !pairs.has(layer))
  const left = modules.filter((module) => !taken.has(module))
  if (without.length > 0 || left.length > 0) throw misfit(without, left)
  const values = new Map<string, { shape: Shape; data: ArrayLike<number> }>()
  for (const [{ outline, weights }, { tensors }] of pairs)
    outline.weights.forEach(({ name, shape }, i) => {
      const stored = tensors.get(weights[i].name)
      if (stored) values.set(`${outline.name}/${name}`, { shape, data: weights[i].toOurs(stored.data) })
    })
  return values
}

function misfit(layers: readonly WantedLayer[], modules: readonly TorchModule[]): FormatError {
  const list = (lines: readonly string[]) => [...lines.slice(0, 20), ...(lines.length > 20 ? ['  …'] : [])]
  return new FormatError(
    [
      'the weights do not fit the network:',
      ...list(layers.map(({ outline, signature }) => `  the layer ${shown(outline.name)} wants ${signature}`)),
      ...list(modules.map(({ name, signature }) => `  the file's ${shown(name)} has ${signature}`)),
      'Where several have the same shapes, say which is which: names: { layer: module }',
    ].join('\n'),
  )
}

const ignored = 'num_batches_tracked'

function modulesOf(state: ReadonlyMap<string, StoredTensor>): TorchModule[] {
  const all = [...state].filter(([name]) => !name.endsWith(ignored))
  const prefix = ['module.', '_orig_mod.'].find((begin) => all.every(([name]) => name.startsWith(begin))) ?? ''
  const modules = new Map<string, Map<string, StoredTensor>>()
  for (const [full, tensor] of all) {
    const name = full.slice(prefix.length)
    const point = name.lastIndexOf('.')
    const module = name.slice(0, Math.max(point, 0))
    modules.set(module, (modules.get(module) ?? new Map()).set(name.slice(point + 1), tensor))
  }
  return [...modules]
    .map(([name, tensors]) => ({
      name,
      tensors,
      signature: signatureOf([...tensors].map(([part, { shape }]) => ({ name: part, shape }))),
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

function signatureOf(weights: readonly Pick<TorchWeight, 'name' | 'shape'>[]): string {
  const texts = weights.map(({ name, shape }) => `${name} ${formatShape(shape)}`)
  return texts.sort().join(', ')
}

function pair(
  wanted: readonly WantedLayer[],
  modules: readonly TorchModule[],
  names: Readonly<Record<string, string>>,
): Map<WantedLayer, TorchModule> {
  const pairs = new Map<WantedLayer, TorchModule>()
  const left = new Set(modules)
  const give = (layer: WantedLayer, module: TorchModule | undefined) => {
    if (!module || !left.has(module) || module.signature !== layer.signature) return
    pairs.set(layer, module)
    left.delete(module)
  }
  for (const layer of wanted) {
    const { name } = layer.outline
    const own = Object.hasOwn(names, name) ? names[name] : name
    give(
      layer,
      modules.find((module) => module.name === own || module.name.replaceAll('.', '_') === own),
    )
  }
  // Norms look like each other: which is whose, their convolutions tell.
  for (const follower of [false, true]) {
    if (follower)
      wanted.forEach((layer, i) => !pairs.has(layer) && give(layer, besideOf(pairs.get(wanted[i - 1]), modules)))
    const open = wanted.filter((layer) => !pairs.has(layer) && (follower || !isNorm(layer)))
    for (const signature of new Set(open.map((layer) => layer.signature))) {
      const layers = open.filter((layer) => layer.signature === signature)
      const alike = [...left].filter((module) => module.signature === signature)
      const patterns = new Set(alike.map(({ name }) => name.replace(/\d+/g, '#')))
      if (layers.length === alike.length && patterns.size === 1) layers.forEach((layer, i) => give(layer, alike[i]))
    }
  }
  return pairs
}

function isNorm({ weights }: WantedLayer): boolean {
  return weights.every(({ shape }) => shape.length === 1)
}

/** The norm of a convolution, by its name: bn2 of conv2, 4 of 3, and bn of conv. */
function besideOf(module: TorchModule | undefined, modules: readonly TorchModule[]): TorchModule | undefined {
  if (!module) return undefined
  const point = module.name.lastIndexOf('.') + 1
  const [parent, own] = [module.name.slice(0, point), module.name.slice(point)]
  const number = own.match(/\d+$/)?.[0] ?? ''
  const following = /^\d+$/.test(own) ? String(Number(own) + 1) : null
  const beside = modules.filter(({ name, signature }) => {
    const rest = name.slice(point)
    if (!name.startsWith(parent) || rest.includes('.') || !signature.includes('weight [')) return false
    return following ? rest === following : /^(bn|norm|batch_?norm)_?\d*$/i.test(rest) && rest.endsWith(number)
  })
  return beside.length === 1 ? beside[0] : undefined
}

const same = (data: StoredTensor['data']) => data

function wantedOf(network: LayeredNetwork, outline: LayerOutline): WantedLayer {
  const weights = outline.weights.map(({ name, shape }) => torchWeight(network, outline, name, shape))
  return { outline, weights, signature: signatureOf(weights) }
}

const ofVectors: Readonly<Record<string, string>> = {
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
}

function torchWeight(
  network: LayeredNetwork,
  { name: layer, type }: LayerOutline,
  name: string,
  shape: Shape,
): TorchWeight {
  if (name === 'kernel' && (type === 'Conv2D' || type === 'Conv2DTranspose'))
    return { name: 'weight', ...moved(shape, [3, 2, 0, 1]) }
  if (name === 'depthwise_kernel' && type === 'DepthwiseConv2D') {
    const [height, width, channels, multiplier] = shape
    // Its filters are the channels' in turn, each of one channel.
    const { toOurs } = moved(shape, [2, 3, 0, 1])
    return { name: 'weight', shape: [channels * multiplier, 1, height, width], toOurs }
  }
  if (name === 'kernel' && type === 'Dense') {
    const [inputs, units] = shape
    const image = flattenedBefore(network, layer)
    if (!image) return { name: 'weight', ...moved(shape, [1, 0]) }
    const [height, width, channels] = image
    const { toOurs } = moved([height, width, channels, units], [3, 2, 0, 1])
    return { name: 'weight', shape: [units, inputs], toOurs }
  }
  if (name === 'alpha' && type === 'PReLU') return { name: 'weight', shape: [sizeOf(shape)], toOurs: same }
  if (Object.hasOwn(ofVectors, name) && shape.length === 1) return { name: ofVectors[name], shape, toOurs: same }
  // What PyTorch has no layer like is told with all else that does not fit.
  return { name: `(${type}'s ${name})`, shape, toOurs: same }
}

/** PyTorch's axis i is our axis `axes[i]`. */
function moved(shape: Shape, axes: readonly number[]): Pick<TorchWeight, 'shape' | 'toOurs'> {
  const theirs = axes.map((axis) => shape[axis])
  const back = shape.map((_, axis) => axes.indexOf(axis))
  return { shape: theirs, toOurs: (data) => permuted(data, theirs, back) }
}

/** The images whose flattened pixels a layer takes, whatever changes their values on the way; null where it takes none. */
function flattenedBefore({ calls, inputs }: LayeredNetwork, layer: string): Shape | null {
  const shapes = [...inputs.map(({ shape }) => shape), ...calls.map((call) => call.layer.outputShape)]
  let call = calls.find(({ name }) => name === layer)
  while (call) {
    const [from, ...others] = call.inputs
    const before: (typeof calls)[number] | undefined = calls[from - inputs.length]
    if (others.length > 0 || !before) return null
    const given = shapes[before.inputs[0]]
    if (before.layer.type === 'Flatten') return given.length === 3 ? given : null
    if (
      before.layer.weights.length > 0 ||
      before.inputs.length > 1 ||
      sizeOf(given) !== sizeOf(before.layer.outputShape)
    )
      return null
    call = before
  }
  return null
}
