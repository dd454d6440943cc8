import { useEffect, useState } from 'preact/hooks'
import { messageOf } from '../use-engine.ts'
import type { Side } from '../worker/engine-api.ts'
import type { EngineClient } from '../worker/engine-client.ts'

/**
 * What the network says about the explained picture without these segments; null without any, and until it has answered. To
 * be used by what shows one explanation: another one has other segments.
 */
export function useWithout(
  engine: EngineClient,
  side: Side,
  hidden: ReadonlySet<number>,
  onProblem: (problem: string) => void,
): Float32Array | null {
  const [known] = useState(() => new Map<string, Float32Array>())
  const [, setAnswered] = useState('')
  const key = Array.from(hidden)
    .sort((a, b) => a - b)
    .join()

  useEffect(() => {
    if (key === '' || known.has(key)) return
    let isOutdated = false
    engine.predictWithout(side, key.split(',').map(Number)).then(
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
  }, [engine, side, known, key, onProblem])
  return known.get(key) ?? null
}
