import { useEffect, useRef, useState } from 'preact/hooks'
import type { DeviceStatus, ExplanationResult } from './engine-api.ts'
import type { EngineClient } from './engine-client.ts'
import { messageOf } from './use-engine.ts'

/** Answers of one explanation, by the segments hidden. */
interface Answers {
  readonly result: ExplanationResult
  readonly device: DeviceStatus | null
  readonly known: Map<string, Float32Array>
}

/** What the network says about the explained picture without these segments; null without any, and until it has answered. */
export function useWithout(
  engine: EngineClient,
  device: DeviceStatus | null,
  result: ExplanationResult,
  hidden: ReadonlySet<number>,
  onProblem: (problem: string) => void,
): Float32Array | null {
  const answers = useRef<Answers>({ result, device, known: new Map() })
  const [, setAnswered] = useState('')
  if (answers.current.result !== result || answers.current.device !== device)
    answers.current = { result, device, known: new Map() }
  const { known } = answers.current
  const key = Array.from(hidden)
    .sort((a, b) => a - b)
    .join()

  useEffect(() => {
    if (key === '' || known.has(key)) return
    let isOutdated = false
    engine.predictWithout(key.split(',').map(Number)).then(
      (probabilities) => {
        known.set(key, probabilities)
        if (!isOutdated) setAnswered(key)
      },
      (error) => {
        if (!isOutdated) onProblem(`The prediction failed: ${messageOf(error)}`)
      },
    )
    return () => {
      isOutdated = true
    }
  }, [engine, known, key, onProblem])
  return known.get(key) ?? null
}
