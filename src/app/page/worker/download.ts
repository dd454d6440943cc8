import { LimelightError } from '../../../engine/index.ts'

/** A file of the site. `what` it is, for people. @throws LimelightError when it can't be had */
export async function download(address: string, what: string): Promise<Uint8Array> {
  let response: Response
  try {
    response = await fetch(address)
  } catch (cause) {
    throw new LimelightError(`${what} can't be fetched: the server does not answer`, { cause })
  }
  if (!response.ok) throw new LimelightError(`${what} can't be fetched: the server answers ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
