/** Gives people a file to keep, as a download. */
export function saveFile(content: Blob, name: string): void {
  const address = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // Browsers have begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
