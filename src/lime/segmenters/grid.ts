import { check, optionsOf, wholeNumber } from '../../engine/arguments.ts'
import { ArgumentError } from '../../engine/errors.ts'
import { type Segmenter, segmenter } from './label-map.ts'

export interface GridOptions {
  /** Rows and columns of cells; 4 each unless given. */
  readonly rows?: number
  readonly columns?: number
}

/** Of what is left out. @internal */
export const gridDefaults = { rows: 4, columns: 4 } as const satisfies GridOptions

const gridOptions = optionsOf<GridOptions>({ rows: wholeNumber(1), columns: wholeNumber(1) })

/**
 * Cells of a regular grid, as equal as whole pixels allow, numbered row by row: segments that know nothing of the image, and so
 * are the same for all of them.
 * @throws ArgumentError for rows or columns that are not positive integers, or more than the image has pixels
 */
export function grid(options: GridOptions = {}): Segmenter {
  check('grid', gridOptions, options)
  const { rows = gridDefaults.rows, columns = gridDefaults.columns } = options
  return segmenter(async ({ height, width }) => {
    if (rows > height || columns > width)
      throw new ArgumentError(`grid: ${rows} x ${columns} cells do not fit into ${height} x ${width} pixels`)
    const data = new Int32Array(height * width)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        data[y * width + x] = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)
    return { data, shape: [height, width] }
  })
}
