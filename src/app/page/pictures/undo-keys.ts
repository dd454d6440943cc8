/** The keys that undo and redo, on every system: Ctrl or Cmd with Z; with Shift and Z, or Y. */

export function isUndo({ key, ctrlKey, metaKey, shiftKey }: KeyboardEvent): boolean {
  return (ctrlKey || metaKey) && !shiftKey && key.toLowerCase() === 'z'
}

export function isRedo({ key, ctrlKey, metaKey, shiftKey }: KeyboardEvent): boolean {
  const letter = key.toLowerCase()
  return (ctrlKey || metaKey) && (letter === 'y' || (letter === 'z' && shiftKey))
}
