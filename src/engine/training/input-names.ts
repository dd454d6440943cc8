/** The name of what belongs to one input of several: x, x1, x2, … What people call inputs may be the name of something else here. */
export function ofInput(name: 'samples' | 'x', index: number): string {
  return index === 0 ? name : `${name}${index}`
}
