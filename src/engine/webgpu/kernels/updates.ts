import adamCode from '../../../shaders/adam.wgsl?raw'
import adamWCode from '../../../shaders/adam-w.wgsl?raw'
import assignCode from '../../../shaders/assign.wgsl?raw'
import nesterovCode from '../../../shaders/nesterov.wgsl?raw'
import recordCode from '../../../shaders/record.wgsl?raw'
import sgdCode from '../../../shaders/sgd.wgsl?raw'
import { sizeOf } from '../../tensor.ts'
import { type Dispatch, f32, type Lowering, read, write } from '../dispatch.ts'

/** Adam's, and AdamW's, which takes a decay, too. */
const lowerAdam: Lowering = ({ kernel, inputs: { gradient, stepSize, decay }, states: [p, m, v], attributes }) => {
  const beta1 = Number(attributes.beta1)
  const beta2 = Number(attributes.beta2)
  return [
    {
      kernel,
      bindings: [
        write('p', p),
        write('m', m),
        write('v', v),
        read('gradient', gradient),
        read('stepSize', stepSize),
        ...(decay ? [read('decay', decay)] : []),
      ],
      constants: {
        BETA1: f32(beta1),
        ONE_MINUS_BETA1: f32(1 - beta1),
        BETA2: f32(beta2),
        ONE_MINUS_BETA2: f32(1 - beta2),
        EPSILON: f32(Number(attributes.epsilon)),
      },
      functions: [],
      code: decay ? adamWCode : adamCode,
      threads: sizeOf(p.shape),
    },
  ]
}

/** With momentum's usual or with Nesterov's code. */
const lowerSgd =
  (code: string): Lowering =>
  ({ kernel, inputs: { gradient, stepSize }, states: [p, velocity], attributes }) => [
    {
      kernel,
      bindings: [write('p', p), write('velocity', velocity), read('gradient', gradient), read('stepSize', stepSize)],
      constants: { MOMENTUM: f32(Number(attributes.momentum)) },
      functions: [],
      code,
      threads: sizeOf(p.shape),
    },
  ]

const lowerAssign: Lowering = ({ kernel, inputs: { value }, states: [state] }) => [
  {
    kernel,
    bindings: [write('state', state), read('value', value)],
    constants: {},
    functions: [],
    code: assignCode,
    threads: sizeOf(state.shape),
  },
]

/** With the ring and the position, as many values as fit into the eight buffers every adapter can bind. */
const valuesAtOnce = 6
const recordWorkgroup = 32

const lowerRecord: Lowering = ({ kernel, inputs: { position, ...recorded }, states: [ring], attributes }) => {
  const values = Object.values(recorded)
  const scales = (attributes.scales ?? values.map(() => 1)) as readonly number[]
  const dispatches: Dispatch[] = []
  for (let first = 0; first < values.length; first += valuesAtOnce) {
    const part = values.slice(first, first + valuesAtOnce)
    const byColumn = (expression: (column: number) => string, otherwise: string) =>
      `switch column {
    ${part.map((_, column) => `case ${column}u: { return ${expression(column)}; }`).join('\n    ')}
    default: { return ${otherwise}; }
  }`
    dispatches.push({
      kernel,
      bindings: [
        write('ring', ring),
        read('position', position),
        ...part.map((value, column) => read(`value${column}`, value)),
      ],
      constants: { ROWS: ring.shape[0], WIDTH: ring.shape[1], FIRST_COLUMN: first },
      functions: [
        `fn valueOf(column: u32, i: u32) -> f32 {
  ${byColumn((column) => `f32(value${column}[i])`, '0.0')}
}
fn lengthOf(column: u32) -> u32 {
  ${byColumn((column) => `${sizeOf(part[column].shape)}u`, '0u')}
}
fn scaleOf(column: u32) -> f32 {
  ${byColumn((column) => f32(scales[first + column]), '0.0')}
}`,
      ],
      code: recordCode,
      threads: part.length * recordWorkgroup,
      workgroupSize: recordWorkgroup,
    })
  }
  return dispatches
}

export const updateLowerings = {
  adam: lowerAdam,
  adamW: lowerAdam,
  sgd: lowerSgd(sgdCode),
  nesterov: lowerSgd(nesterovCode),
  assign: lowerAssign,
  record: lowerRecord,
} satisfies Record<string, Lowering>
