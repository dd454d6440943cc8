import { check, oneOf, optionsOf, shown, thatIs } from '../arguments.ts'
import { ArgumentError, FormatError, LimelightError } from '../errors.ts'
import { pytorchWeights } from '../formats/pytorch-weights.ts'
import { parseSafetensors } from '../formats/safetensors.ts'
import { areFinite } from '../model/parameters.ts'
import type { URL as Address } from '../platform/types.ts'
import { bytesOf } from './load-model.ts'
import type { Model } from './model.ts'

export interface LoadWeightsOptions {
  /** What wrote the file: a PyTorch state dict, as safetensors.torch.save_file(model.state_dict(), …) writes it. */
  readonly from: 'pytorch'
  /** The file's modules by the model's layers, { conv2d_3: 'features.6' }, where names and shapes do not tell which is which. */
  readonly names?: Readonly<Record<string, string>>
}

const options = optionsOf<LoadWeightsOptions>(
  {
    from: oneOf('pytorch'),
    names: thatIs<LoadWeightsOptions['names']>(
      'names of modules by names of layers',
      (value) =>
        typeof value === 'object' && value !== null && Object.values(value).every((name) => typeof name === 'string'),
    ),
  },
  'from',
)

/**
 * Gives a model the weights of a safetensors file that another program wrote: a file of weights alone, which says nothing of the network. The
 * model must be the same network, written with our layers; mind that PyTorch's batch norms have an epsilon of 1e-5, and that its padding of
 * strided convolutions is symmetric, as `padding: 1` is here, and 'same' is not.
 * @param source a path (in Node), an address (in the browser), or the bytes
 * @throws FormatError for a file that is damaged, or that does not fit the model: with all that does not
 */
export async function loadWeights(
  model: Model,
  source: string | Address | Uint8Array,
  given: LoadWeightsOptions,
): Promise<void> {
  check('loadWeights', options, given)
  const { network } = model
  if (!('calls' in network))
    throw new ArgumentError("loadWeights: the model's file has operators, no layers; it has its own weights")
  if (!(source instanceof Uint8Array || source instanceof URL || typeof source === 'string'))
    throw new ArgumentError(`loadWeights: source must be a path, an address or a Uint8Array, not ${shown(source)}`)
  const bytes = source instanceof Uint8Array ? source : await bytesOf(source)
  const { tensors } = parseSafetensors(bytes)
  for (const [name, { data }] of tensors)
    if (!areFinite(data)) throw new FormatError(`the weight ${shown(name)} holds a number that is not finite`)
  try {
    model.setWeights(pytorchWeights(network, tensors, given.names))
  } catch (error) {
    if (error instanceof LimelightError && !(source instanceof Uint8Array))
      throw new FormatError(`${String(source).slice(0, 1000)}: ${error.message}`)
    throw error
  }
}
