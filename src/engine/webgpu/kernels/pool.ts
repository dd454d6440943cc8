import avgPoolCode from '../../../shaders/avg-pool.wgsl?raw'
import avgPoolGradientCode from '../../../shaders/avg-pool-gradient.wgsl?raw'
import maxPoolCode from '../../../shaders/max-pool.wgsl?raw'
import maxPoolGradientCode from '../../../shaders/max-pool-gradient.wgsl?raw'
import { countedExtent } from '../../ops/pool.ts'
import { dilationOf, type WindowAttributes } from '../../ops/window.ts'
import type { PlanOperand, PlanStep } from '../../plan/plan.ts'
import { sizeOf } from '../../tensor.ts'
import { type Binding, type Constants, i32, type Lowering, read, write } from '../dispatch.ts'
import { windowConstants } from './conv2d.ts'

/** DILATION: pixels from one place of a window to the next. COUNT_…: where its places begin and end to count in a mean. */
function poolConstants(w: WindowAttributes, height: number, width: number): Constants {
  const [dilationY, dilationX] = dilationOf(w)
  const { top, bottom, left, right } = countedExtent(w, height, width)
  return {
    ...windowConstants(w, height, width),
    DILATION_Y: i32(dilationY),
    DILATION_X: i32(dilationX),
    COUNT_TOP: i32(top),
    COUNT_BOTTOM: i32(bottom),
    COUNT_LEFT: i32(left),
    COUNT_RIGHT: i32(right),
  }
}

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
        constants: { ...poolConstants(attributes as WindowAttributes, height, width), CHANNELS: channels },
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
