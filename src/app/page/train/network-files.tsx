import type { OwnNetwork } from '../contract/engine-api.ts'
import { count } from '../number-format.ts'
import { whyNotOpened } from '../open-files.ts'
import { FileButton } from '../parts/file-button.tsx'
import { saveFile } from '../parts/save-file.ts'
import type { EngineClient } from '../worker/engine-client.ts'
import { messageOf } from '../worker/use-engine.ts'

function whereItStays({ whyNotKept }: OwnNetwork): string {
  return whyNotKept === null
    ? 'It stays in this browser.'
    : `This browser can't keep it (${whyNotKept}): it is gone after a reload, and where it is in no file yet, save it.`
}

/** The network of one's own as a file: saved, or opened. */
export function NetworkFiles({
  engine,
  ownNetwork,
  isTraining,
  onUse,
  onProblem,
}: {
  engine: EngineClient
  ownNetwork: OwnNetwork | null
  isTraining: boolean
  /** Explains with it. */
  onUse: () => void
  onProblem: (problem: string | null) => void
}) {
  const save = async () => {
    try {
      saveFile(await engine.saveNetwork(), 'limelight-network.safetensors')
    } catch (error) {
      onProblem(`The network can't be saved: ${messageOf(error)}`)
    }
  }
  const open = async (files: readonly File[]) => {
    onProblem(null)
    try {
      await engine.openNetwork(files)
    } catch (error) {
      onProblem(whyNotOpened(files, error))
    }
  }
  return (
    <section class="network-files" aria-labelledby="network-files-title">
      <h3 id="network-files-title">Your network</h3>
      <p class="hint" role="status">
        {ownNetwork
          ? `${count(ownNetwork.parameters)} parameters, ${ownNetwork.title}. ${whereItStays(ownNetwork)}`
          : 'There is none yet: train one, or open a file (safetensors, ONNX, Keras, TensorFlow Lite, or all files of one of TensorFlow.js).'}
      </p>
      <div class="buttons">
        <button type="button" disabled={!ownNetwork} onClick={onUse}>
          Explain with it
        </button>
        <button type="button" disabled={!ownNetwork} onClick={save}>
          Save weights
        </button>
        <FileButton title="Open weights…" label="A file of weights" multiple isDisabled={isTraining} onFiles={open} />
      </div>
    </section>
  )
}
