import avgPoolCode from '../../../shaders/avg-pool.wgsl?raw'
import avgPoolGradientCode from '../../../shaders/avg-pool-gradient.wgsl?raw'
import maxPoolCode from '../../../shaders/max-pool.wgsl?raw'
import maxPoolGradientCode from '../../../shaders/max-pool-gradient.wgsl?raw'
import type { WindowAttributes } from '../../ops/window.ts'
import type { PlanOperand, PlanStep } from '../../plan/plan.ts'
import { sizeOf } from '../../tensor.ts'
import { type Binding, type Lowering, read, write } from '../dispatch.ts'
import { windowConstants } from './conv2d.ts'

/** `image`: the tensor of the pooled image's shape. One thread an element of the result. */
function lowerPool(
  code: string,
  describe: (inputs: PlanStep['inputs'], output: PlanOperand) => { image: PlanOperand; bindings: Binding[] },
): Lowering {
  return ({ kernel, inputs, outputs: [output], attributes }) => {
    const { image, bindings } = describe(inputs, output)
    const [, height, width, channels] = image.shape
    return [
      {
        kernel,
        bindings,
        constants: { ...windowConstants(attributes as WindowAttributes, height, width), CHANNELS: channels },
        functions: [],
        code,
        threads: sizeOf(output.shape),
      },
    ]
  }
}

export const poolLowerings = {
  maxPool: lowerPool(maxPoolCode, ({ x }, y) => ({ image: x, bindings: [read('x', x), write('y', y)] })),
  maxPoolGradient: lowerPool(maxPoolGradientCode, ({ x, dy }, dx) => ({
    image: x,
    bindings: [read('x', x), read('dy', dy), write('dx', dx)],
  })),
  avgPool: lowerPool(avgPoolCode, ({ x }, y) => ({ image: x, bindings: [read('x', x), write('y', y)] })),
  avgPoolGradient: lowerPool(avgPoolGradientCode, ({ dy }, dx) => ({
    image: dx,
    bindings: [read('dy', dy), write('dx', dx)],
  })),
} satisfies Record<string, Lowering>
