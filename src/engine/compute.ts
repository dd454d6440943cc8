import type { Device, HostArray, Memory } from './device.ts'
import { makePlan } from './plan/plan.ts'
import type { Graph } from './plan/trace.ts'

/**
 * Plans a graph, runs it once and reads its outputs: for single results and tests. What runs more than once keeps its
 * program.
 */
export async function compute<Names extends string>(
  device: Device,
  graph: Graph & { readonly outputs: Readonly<Record<Names, unknown>> },
  inputs: Readonly<Record<string, HostArray>> = {},
  blocks: Readonly<Record<string, Memory>> = {},
): Promise<Record<Names, HostArray>> {
  const program = await device.lower(makePlan(graph, device.fusions), blocks)
  try {
    await device.run(program, inputs)
    const results: Partial<Record<string, HostArray>> = {}
    for (const [name, place] of Object.entries(program.outputs)) results[name] = await device.read(place)
    return results as Record<Names, HostArray>
  } finally {
    program.dispose()
  }
}
