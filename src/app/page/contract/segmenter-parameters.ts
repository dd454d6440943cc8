/** The segmenters to choose from, and what can be set of each: scikit-image's names and defaults (quickshift's are lime's). */

export const segmenterChoices = ['auto', 'quickshift', 'felzenszwalb', 'slic', 'watershed', 'grid'] as const
export type SegmenterChoice = (typeof segmenterChoices)[number]

export const segmenterTitles: Readonly<Record<SegmenterChoice, string>> = {
  auto: 'To suit the picture',
  quickshift: 'Quickshift (lime’s)',
  felzenszwalb: 'Felzenszwalb',
  slic: 'SLIC',
  watershed: 'Watershed',
  grid: 'Grid',
}

export interface SegmenterParameter {
  readonly name: string
  /** For people. */
  readonly title: string
  readonly min: number
  readonly max: number
  readonly step: number
  readonly initial: number
}

const parameter = (
  name: string,
  title: string,
  [min, max, step]: readonly [number, number, number],
  initial: number,
): SegmenterParameter => ({ name, title, min, max, step, initial })

export const segmenterParameters: Readonly<Record<SegmenterChoice, readonly SegmenterParameter[]>> = {
  auto: [],
  quickshift: [
    parameter('kernel_size', 'Smoothing of the density, pixels', [1, 8, 0.5], 4),
    parameter('max_dist', 'Largest step to a denser pixel', [1, 200, 1], 200),
    parameter('ratio', 'Weight of brightness against place', [0, 1, 0.05], 0.2),
  ],
  felzenszwalb: [
    parameter('scale', 'Scale: higher, larger segments', [1, 300, 1], 1),
    parameter('sigma', 'Smoothing beforehand, pixels', [0, 2, 0.1], 0.8),
    parameter('min_size', 'Smallest segment, pixels', [1, 150, 1], 20),
  ],
  slic: [
    parameter('n_segments', 'About how many segments', [2, 150, 1], 100),
    parameter('compactness', 'Compactness: higher, squarer', [0.1, 30, 0.1], 10),
    parameter('sigma', 'Smoothing beforehand, pixels', [0, 3, 0.1], 0),
  ],
  watershed: [
    parameter('markers', 'How many segments', [2, 100, 1], 50),
    parameter('compactness', 'Compactness: higher, squarer', [0, 0.05, 0.001], 0.001),
  ],
  grid: [parameter('rows', 'Rows', [1, 14, 1], 4), parameter('columns', 'Columns', [1, 14, 1], 4)],
}

/** The values that a segmenter has while nobody sets any. */
export function initialParameters(choice: SegmenterChoice): Readonly<Record<string, number>> {
  return Object.fromEntries(segmenterParameters[choice].map(({ name, initial }) => [name, initial]))
}
