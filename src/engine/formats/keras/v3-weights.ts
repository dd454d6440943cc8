import { FormatError } from '../../errors.ts'
import type { Hdf5Group } from '../hdf5/hdf5-file.ts'
import { type FoundWeights, giveInOrder, type StoredWeight, type WeightPlace } from './stored-weights.ts'

/**
 * Weights as a .keras file has them. Its groups do not go by the layers' names but by their classes, counted: layers/conv2d,
 * layers/conv2d_1, …, with the arrays vars/0, vars/1, … Keras 2.12 and later of its kind counted layers with weights twice, so that
 * numbers are left out: there the order tells.
 */
export function weightsOfV3(root: Hdf5Group, places: readonly WeightPlace[]): FoundWeights {
  const found: FoundWeights = new Map()
  giveLayers(new Folder(root, []), places, found)
  return found
}

/** A group by its path. On Windows Keras 2 joined paths by \\, which is a letter of a name to HDF5: there all groups are the root's. */
class Folder {
  readonly group: Hdf5Group | null

  constructor(
    private readonly root: Hdf5Group,
    private readonly path: readonly string[],
  ) {
    this.group = root.group(path.join('/')) ?? root.group(path.join('\\'))
  }

  folder(name: string): Folder {
    return new Folder(this.root, [...this.path, name])
  }

  get names(): ReadonlySet<string> {
    const before = `${this.path.join('\\')}\\`
    const flat = this.root.names.filter((name) => name.startsWith(before))
    return new Set([...(this.group?.names ?? []), ...flat.map((name) => name.slice(before.length).split('\\')[0])])
  }
}

const oldContainer = '_layer_checkpoint_dependencies'

function giveLayers(model: Folder, places: readonly WeightPlace[], found: FoundWeights): void {
  const [container, old] = [model.folder('layers'), model.folder(oldContainer)]
  if (!container.group && old.names.size === 0)
    throw new FormatError('its weights are not where Keras keeps them, in layers')
  const counts = new Map<string, number>()
  for (const place of places) {
    // What has no weights is counted by Keras 3, but has nothing in the older kind of file that its order could tell.
    if (!container.group && place.weights.length === 0) continue
    const base = snakeCase(place.className)
    const count = counts.get(base) ?? 0
    counts.set(base, count + 1)
    if (place.weights.length === 0) continue
    const own = container.group
      ? container.folder(count === 0 ? base : `${base}_${count}`)
      : foldersOf(old, base)[count]
    if (!own) continue
    if (place.parts) giveLayers(own, place.parts, found)
    else giveInOrder(place, variablesOf(own), found)
  }
}

/** Keras's to_snake_case: MaxPooling2D is max_pooling2d. */
function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

/** Of a class, by their numbers; those without weights are of no use. */
function foldersOf(container: Folder, base: string): Folder[] {
  const numbered = [...container.names].flatMap((name) => {
    const rest = name === base ? '_0' : name.startsWith(base) ? name.slice(base.length) : ''
    return /^_\d{1,9}$/.test(rest) ? [{ name, number: Number(rest.slice(1)) }] : []
  })
  return numbered
    .sort((a, b) => a.number - b.number)
    .map(({ name }) => container.folder(name))
    .filter((folder) => variablesOf(folder).length > 0 || folder.names.has(oldContainer))
}

/** Attention's products have groups of their own. */
const products = ['query_dense', 'key_dense', 'value_dense', 'output_dense']

function variablesOf(folder: Folder): StoredWeight[] {
  const own = ownVariables(folder.group)
  return own.length > 0 ? own : products.flatMap((product) => ownVariables(folder.folder(product).group))
}

function ownVariables(group: Hdf5Group | null): StoredWeight[] {
  const names = group?.group('vars')?.names ?? []
  return names
    .filter((name) => /^\d{1,9}$/.test(name))
    .sort((a, b) => Number(a) - Number(b))
    .flatMap((name) => {
      const array = group?.array(`vars/${name}`)
      return array ? [{ shape: array.shape, numbers: () => array.numbers() }] : []
    })
}
