import { CpuDevice } from '../../../../src/engine/cpu/device.ts'
import { ReferenceDevice } from '../../../../src/engine/reference/device.ts'
import { type BackendCase, deviations, runCases, type Verdict } from './backend-cases.ts'

/** The table of docs/models.md: which of ONNX's own tests pass, by operator, and why others do not. `npm run bench -- onnx` prints it. */

export type Verdicts = ReadonlyMap<BackendCase, Verdict>

/** In float64, where it matters and takes no seconds; all else in one thread of the processor. */
export async function verdictsInFloat64(data: string): Promise<Verdicts> {
  return runCases(data, new ReferenceDevice(), new CpuDevice({ threads: 1 }))
}

export function backendReport(verdicts: Verdicts): string {
  const all = [...verdicts.values()]
  const passed = all.flatMap((verdict) => (verdict.outcome === 'passed' ? [verdict] : []))
  const operators = counted(passed.flatMap((verdict) => verdict.operators)).sort(([a], [b]) => (a < b ? -1 : 1))
  const missing = counted(all.flatMap(missingIn))
  const ways = counted(passed.map(({ given }) => given))
  return [
    `**${passed.length} of ${all.length.toLocaleString('en-US')} cases pass**. What a case gives as inputs are a network's inputs where`,
    `the operators take them so (${ways.map(([way, count]) => `${way} in ${count} cases`).join(', ')}), else constants, as exporters write them.`,
    '',
    `Operators, and in how many passing cases each is: ${operators.map(([name, count]) => `${name} ${count}`).join(', ')}.`,
    '',
    '| not supported | cases |',
    '|-|-|',
    ...missing.map(([what, count]) => `| ${what} | ${count} |`),
    '',
    'Known to fail:',
    '',
    ...[...deviations].map(([name, why]) => `- \`${name}\`: ${why}.`),
  ].join('\n')
}

/** What a case lacks first: each is counted once. */
function missingIn(verdict: Verdict): string[] {
  if (verdict.outcome !== 'not supported') return []
  const [{ operator, why }] = verdict.reasons
  if (why === 'is not known') return [operator]
  return [`${operator}: ${why.replace(/ is \[[\d,]+\]; expected/, ' is not')}`]
}

/** Each with how often it occurs, the most frequent first. */
function counted<T extends string>(names: readonly T[]): [name: T, count: number][] {
  const counts = new Map<T, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
}
