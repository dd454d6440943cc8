/** What segments can be edited with. */

export type ToolName = 'lasso' | 'brush' | 'cut' | 'split' | 'merge'

export interface Tool {
  readonly name: ToolName
  readonly title: string
  /** Pressed where the editor has the focus, it takes the tool. */
  readonly key: string
  /** What to do with it. */
  readonly use: string
}

export const tools: readonly Tool[] = [
  { name: 'lasso', title: 'Lasso', key: 'L', use: 'Draw around something.' },
  { name: 'brush', title: 'Brush', key: 'B', use: 'Paint over something.' },
  {
    name: 'cut',
    title: 'Cut',
    key: 'C',
    use: 'Draw a line across segments, from edge to edge: each falls in pieces.',
  },
  {
    name: 'split',
    title: 'Split',
    key: 'S',
    use: 'Press a segment: it falls into the parts it lies in, or in two halves.',
  },
  {
    name: 'merge',
    title: 'Merge',
    key: 'M',
    use: 'Press a segment, then those that are to join it. Press it again to choose another.',
  },
]

/** By a key without Ctrl, Alt or Cmd. */
export function toolOfKey({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): ToolName | null {
  if (ctrlKey || metaKey || altKey) return null
  return tools.find((tool) => tool.key === key.toUpperCase())?.name ?? null
}
