/**
 * Adds a style sheet that comes with a part of the page: resolves when it holds. By its address: the development server would put the
 * text of an import into the page, which the page's policy forbids.
 */
export function loadStyle(address: string): Promise<void> {
  return new Promise((resolve) => {
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    link.href = address
    // Without it the part is less pretty, and still of use.
    link.onload = link.onerror = () => resolve()
    document.head.append(link)
  })
}
