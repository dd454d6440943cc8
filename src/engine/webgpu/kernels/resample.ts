import resampleCode from '../../../shaders/resample.wgsl?raw'
import { sizeOf } from '../../tensor.ts'
import { type Lowering, read, write } from '../dispatch.ts'

/** Images of another size, by tables of rows and columns: a thread a number of the result. */
export const lowerResample: Lowering = ({ kernel, inputs, outputs: [y] }) => {
  const { x, rows, rowWeights, columns, columnWeights } = inputs
  const [, height, width, channels] = x.shape
  return [
    {
      kernel,
      bindings: [
        read('x', x),
        read('rows', rows),
        read('rowWeights', rowWeights),
        read('columns', columns),
        read('columnWeights', columnWeights),
        write('y', y),
      ],
      constants: {
        HEIGHT: height,
        WIDTH: width,
        CHANNELS: channels,
        OUT_HEIGHT: y.shape[1],
        OUT_WIDTH: y.shape[2],
        DOWN: rows.shape[1],
        ACROSS: columns.shape[1],
      },
      functions: [],
      code: resampleCode,
      threads: sizeOf(y.shape),
    },
  ]
}
