/**
 * Where the element that has the focus vanishes or is switched off, as a pressed button often does, the focus goes on to what is
 * next to its place: nobody who uses the keyboard is thrown back to the top of the page.
 */
export function keepFocus(root: HTMLElement): void {
  let held: HTMLElement | null = null
  root.addEventListener('focusin', ({ target }) => {
    held = target instanceof HTMLElement ? target : null
  })
  // Somebody has gone elsewhere by themselves.
  root.addEventListener('pointerdown', ({ target }) => {
    if (!(target instanceof Node && held?.contains(target))) held = null
  })
  const observer = new MutationObserver((changes) => {
    if (!held || (document.activeElement !== document.body && document.activeElement !== held)) return
    const lost = held
    if (!lost.isConnected) {
      const removal = changes.find(({ removedNodes }) => Array.from(removedNodes).some((node) => node.contains(lost)))
      if (removal) focusNear(removal.target, removal.previousSibling)
    } else if (lost.matches(':disabled')) focusNear(lost.parentNode, lost)
  })
  observer.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled'] })
}

const focusable = 'button, a[href], input, select, summary, [tabindex="0"]'

/** Within the nearest ancestor that has any: the first focusable element after a place, else the last one before it. */
function focusNear(from: Node | null, place: Node | null): void {
  for (let around = from; around && around !== document.body; around = around.parentNode) {
    if (!(around instanceof Element)) continue
    const all = Array.from(around.querySelectorAll<HTMLElement>(focusable)).filter(
      (each) => !each.matches(':disabled, [tabindex="-1"]') && each.checkVisibility(),
    )
    const follows = (each: Element) =>
      place === null || Boolean(place.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING)
    const next = all.find(follows) ?? all.at(-1)
    if (!next) continue
    next.focus({ preventScroll: true })
    return
  }
}
