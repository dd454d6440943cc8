/** The SHA-256 of bytes, in hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What a file of one's own is called in addresses: enough of its SHA-256 to know it again, and nothing of its content. */
export async function fileId(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return `file-${(await sha256(bytes)).slice(0, 12)}`
}
