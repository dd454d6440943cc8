import { gradients } from '../../../src/engine/gradients.ts'
import { CompiledModel } from '../../../src/engine/model/compiled.ts'
import { inUse, type Network } from '../../../src/engine/model/network.ts'
import { add, mul } from '../../../src/engine/ops/elementwise.ts'
import { sum } from '../../../src/engine/ops/sum-and-broadcast.ts'
import { makePlan } from '../../../src/engine/plan/plan.ts'
import { ReferenceDevice } from '../../../src/engine/reference/device.ts'
import { constant, Input, type Tensor } from '../../../src/engine/tensor.ts'
import { numbers } from '../device-suite.ts'
import { relativeError } from '../operation-cases.ts'

/**
 * How far the gradients of a network are from central differences, in float64: of all its inputs and of all that is trained, one
 * relative error each. In training, at step 3, unless told otherwise.
 */
export async function gradientErrors(
  network: Network,
  samples: Readonly<Record<string, ArrayLike<number>>>,
  { batch = 2, training = true, seed = 5 } = {},
): Promise<Record<string, number>> {
  const device = new ReferenceDevice()
  const compiled = new CompiledModel(network, device)
  const given = network.inputs.map(({ name, shape }) => new Input(name, [batch, ...shape]))
  const { outputs } = compiled.apply(given, training ? { training, position: constant(3, [1], 'i32') } : inUse)
  const total = outputs
    .map((y, i) => sum(mul(y, constant(Float64Array.from(numbers(y.shape, seed + i)), y.shape))))
    .reduce((all, one) => add(all, one))
  const trained = network.parameters.flatMap(({ name, trainable }, i) =>
    trainable ? [{ name, at: compiled.parameters[i] }] : [],
  )
  const wanted: readonly { name: string; at: Tensor }[] = [...given.map((at) => ({ name: at.name, at })), ...trained]
  const slopes = gradients(
    total,
    wanted.map(({ at }) => at),
  )
  const made = { total, ...Object.fromEntries(wanted.map(({ name }, i) => [`d.${name}`, slopes[i]])) }
  const program = await device.lower(makePlan({ outputs: made }, device.fusions), {
    parameters: compiled.parameterMemory,
  })
  const inputs = Object.fromEntries(given.map(({ name }) => [name, Float64Array.from(samples[name])]))
  const outcome = async (name: string) => {
    await device.run(program, inputs)
    return device.read(program.outputs[name])
  }
  const h = 1e-5
  /** Twice the slope's h, by moving one number to both sides. */
  const between = async (move: (to: number) => void, value: number) => {
    move(value + h)
    const [above] = await outcome('total')
    move(value - h)
    const [below] = await outcome('total')
    move(value)
    return (above - below) / (2 * h)
  }
  const errors: Record<string, number> = {}
  for (const { name, at } of wanted) {
    const analytic = await outcome(`d.${name}`)
    const parameter = network.parameters.find((one) => one.name === name)
    const values = parameter?.data ?? inputs[name]
    const stride = Math.max(1, Math.floor(values.length / 30))
    const [found, expected]: [number[], number[]] = [[], []]
    for (let i = 0; i < values.length; i += stride) {
      const move = (to: number) => {
        if (!parameter) inputs[name][i] = to
        else if ('offset' in at) device.write(compiled.parameterMemory, Float64Array.of(to), Number(at.offset) + 4 * i)
      }
      expected.push(await between(move, values[i]))
      found.push(analytic[i])
    }
    errors[name] = relativeError(found, expected)
  }
  compiled.dispose()
  return errors
}
