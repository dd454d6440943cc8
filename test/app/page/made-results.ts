import { labelMapToPng } from '../../../src/app/pictures/label-map-picture.ts'
import type { ResultRow } from '../../../src/app/runs/result-row.ts'
import { contentOfRows } from '../../../src/app/runs/row-content.ts'
import { formats } from '../../../src/app/runs/shard-file.ts'
import type { ShardHeader } from '../../../src/app/runs/shard-format.ts'
import { shardFileName } from '../../../src/app/runs/shard-name.ts'
import { fashionMnist } from '../../../src/app/tasks/fashion-mnist/task.ts'

/** Results that nobody computed, as files: as many rows as a test wants, and as odd. */

const { classNames } = fashionMnist

export const madeRun = '0123456789abcdef'

/** Four quarters of a picture. */
const quarters = labelMapToPng({
  data: Int32Array.from({ length: 784 }, (_, pixel) => 2 * Number(pixel >= 392) + Number(pixel % 28 >= 14)),
  shape: [28, 28],
})

/** A row of a test image, which the network takes for a coat and explains as one. */
export function madeRow(given: Partial<ResultRow> = {}): ResultRow {
  const weights = given.weights === undefined ? [0.3, -0.2, 0.1, 0.05] : given.weights
  const half = (sign: number) => weights?.map((weight) => weight && weight + sign * 0.02) ?? null
  return {
    run: madeRun,
    id: '0',
    path: null,
    label: null,
    label_index: 4,
    position: 0,
    class_index: 4,
    class_name: classNames[4],
    predicted: 4,
    predicted_name: classNames[4],
    probabilities: classNames.map((_, label) => (label === 4 ? 0.91 : 0.01)),
    method: 'lime',
    intercept: 0.4,
    r2: 0.8,
    weights,
    weights_low: half(-1),
    weights_high: half(1),
    segments: quarters,
    segment_count: 4,
    height: 28,
    width: 28,
    samples: 200,
    random_state: 7,
    random_seed: 7,
    warnings: [],
    error: null,
    seconds: 0.1,
    seconds_segmentation: 0.02,
    seconds_prediction: 0.07,
    seconds_fit: 0.01,
    device: 'cpu',
    program: '0.2.0',
    ...given,
  }
}

/** The row of an image that could not be explained. */
export function failedRow(id: string, error: string): ResultRow {
  return {
    ...madeRow({ id, path: id, error, label_index: null, class_index: null, class_name: null, predicted: null }),
    predicted_name: null,
    probabilities: null,
    intercept: null,
    r2: null,
    weights: null,
    weights_low: null,
    weights_high: null,
    segments: null,
    segment_count: null,
    samples: null,
  }
}

interface MadePart {
  readonly shard?: number
  /** Parts of the run. */
  readonly of?: number
  readonly run?: string
  readonly format?: keyof typeof formats
  /** What the file says of itself, where that is to be something else. */
  readonly header?: Partial<ShardHeader>
}

/** A part as its file. */
export async function madePart(
  rows: readonly ResultRow[],
  { shard = 0, of = 1, run = madeRun, format = 'parquet', header = {} }: MadePart = {},
): Promise<readonly [name: string, bytes: Uint8Array<ArrayBuffer>]> {
  const said: ShardHeader = {
    run,
    shard,
    images: rows.filter(({ position }) => position === 0).length,
    rows: rows.length,
    errors: rows.filter(({ error }) => error !== null).length,
    content: contentOfRows(rows),
    ...header,
  }
  const bytes = await formats[format].encode(said, rows)
  return [shardFileName(shard, { hash: run, shardCount: of, format }), Uint8Array.from(bytes)]
}

/** The same as what a browser's file field gives. */
export function fileOf([name, bytes]: readonly [name: string, bytes: Uint8Array<ArrayBuffer>]): File {
  return new File([bytes], name)
}
