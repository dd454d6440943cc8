/** Whether the pointer itself moved: browsers also tell so when the page is scrolled under a mouse that rests. */
export function isMoved({ movementX, movementY }: MouseEvent): boolean {
  return movementX !== 0 || movementY !== 0
}
