import type { Command } from 'commander'
import { catalogue } from '../catalogue/known-networks.ts'
import { isKept } from '../catalogue/model-store.ts'
import { downloaded } from './open-model.ts'
import { result } from './terminal.ts'

export function addModelsCommand(program: Command): void {
  const models = program.command('models').description('networks that people know: --model takes their names')
  models
    .command('list', { isDefault: true })
    .description('which there are')
    .option('--json', 'print the catalogue as JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const rows = await Promise.all(
        Object.entries(catalogue).map(async ([name, entry]) => ({ name, ...entry, isHere: await isKept(entry.model) })),
      )
      if (json) result(JSON.stringify(rows))
      else for (const row of rows) result(asText(row))
    })
  models
    .command('get')
    .description('download one and verify it, or find it where it was kept')
    .argument('<name>', 'a name of the catalogue')
    .action(async (name: string) => {
      const { model, labels } = await downloaded(name)
      for (const file of [model, labels]) if (file !== undefined) result(file)
    })
}

function asText({
  name,
  what,
  licence,
  home,
  model,
  isHere,
}: (typeof catalogue)[string] & { name: string; isHere: boolean }) {
  const size = `${(model.bytes / 1e6).toFixed(1)} MB`
  return `${name.padEnd(16)}${what}; ${size}, ${licence}, ${home}${isHere ? ' (here already)' : ''}`
}
