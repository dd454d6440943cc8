import { makePlan } from '../plan/plan.ts'
import { Input, Resident, sizeOf } from '../tensor.ts'
import { inUse, type Network } from './network.ts'

/** What a network takes, whatever the device: no kernel is chosen for it, nothing is fused. */
export interface NetworkCost {
  /** Multiplications and additions of one sample. */
  readonly flops: number
  readonly parameters: number
  /** Of the parameters, as devices hold them. */
  readonly parameterBytes: number
  /** Of what lies between the input and the outputs while one sample goes through: fusing needs less. */
  readonly workingBytes: number
}

export function networkCost(network: Network): NetworkCost {
  const inputs = network.inputs.map(({ name, shape }) => new Input(name, [1, ...shape]))
  let offset = 0
  const weights = network.parameters.map(({ shape }) => {
    const place = new Resident('parameters', offset, shape)
    offset += 4 * sizeOf(shape)
    return place
  })
  const { outputs } = network.apply(inputs, weights, inUse)
  const named = Object.fromEntries(outputs.map((output, i) => [String(i), output]))
  const { steps, spaces } = makePlan({ outputs: named }, new Set())
  const parameters = network.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return {
    flops: steps.reduce((sum, step) => sum + step.flops, 0),
    parameters,
    parameterBytes: 4 * parameters,
    workingBytes: spaces.inputs + spaces.constants + spaces.arena + spaces.outputs,
  }
}
