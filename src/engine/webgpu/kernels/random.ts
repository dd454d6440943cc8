import randomCode from '../../../shaders/random.wgsl?raw'
import { sizeOf } from '../../tensor.ts'
import { type Lowering, read, write } from '../dispatch.ts'

/** Numbers that are a hash of where they stand: a thread each. */
export const lowerRandom: Lowering = ({ kernel, inputs: { position }, outputs: [y], attributes }) => [
  {
    kernel,
    bindings: [read('position', position), write('y', y)],
    constants: { SEED: Number(attributes.seed) },
    functions: [],
    code: randomCode,
    threads: sizeOf(y.shape),
  },
]
