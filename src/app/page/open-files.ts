import type { Picture } from './pictures/picture.ts'
import type { Place } from './places/use-place.ts'
import type { EngineClient } from './worker/engine-client.ts'
import { messageOf } from './worker/use-engine.ts'

/** What people drop, paste or choose. Loaded when they do. */

/** A picture is explained, a network explains: it may be several files. One for photographs is asked about those. */
export async function openFiles(
  files: readonly File[],
  engine: EngineClient,
  { setLeft, go }: Place,
  onPicture: (picture: Picture) => void,
  onPhotographNetwork: () => void,
): Promise<void> {
  const [file] = files
  if (file.type.startsWith('image/')) {
    const { pictureFromFile } = await import('./pictures/picture-from-file.ts')
    const name = file.name || 'Pasted picture'
    onPicture({ ...(await pictureFromFile(file)), name, trueLabel: null, index: null })
    go('explain')
  } else {
    try {
      await engine.openNetwork(files)
    } catch (error) {
      const name = error instanceof Error ? error.name : ''
      if (name === 'PhotographNetworkError') return onPhotographNetwork()
      throw new Error(
        name === 'NoNetworkError'
          ? `${file.name} is not taken: expected a picture (PNG, JPEG, WebP, GIF) to explain, a network to explain with, or results of limelight batch: ${messageOf(error)}`
          : whyNotOpened(files, error),
      )
    }
    setLeft((left) => ({ ...left, network: 'own' }))
  }
}

/** Why files can't be opened as a network, for people. Of several the one that describes it is named. */
export function whyNotOpened(files: readonly File[], error: unknown): string {
  const { name } = files.find((file) => file.name.endsWith('.json')) ?? files[0]
  return `${name} can't be opened as a network: ${messageOf(error)}`
}
