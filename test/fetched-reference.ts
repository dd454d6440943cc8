import { parseSafetensors, type Safetensors } from '../src/engine/formats/safetensors.ts'

/** A file of test/reference/, in the browser. */
export async function fetchReference(name: string): Promise<Safetensors> {
  const response = await fetch(new URL(`./reference/${name}`, import.meta.url))
  if (!response.ok) throw new Error(`${name}: the test server answers ${response.status}`)
  return parseSafetensors(new Uint8Array(await response.arrayBuffer()))
}
