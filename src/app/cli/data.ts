import type { Command } from 'commander'
import { locateSplit } from '../tasks/fashion-mnist/store.ts'
import { storeReporter } from './data-set.ts'
import { interruptSignal, result } from './terminal.ts'

export function addDataCommand(program: Command): void {
  program
    .command('data')
    .description('get Fashion-MNIST and verify it: from the cache, the Debian package, or by HTTPS')
    .action(async () => {
      const signal = interruptSignal()
      for (const split of ['train', 'test'] as const) {
        const files = await locateSplit(split, { signal, ...storeReporter })
        for (const { name, location, content } of files)
          result(`${name}: ${content.byteLength} bytes unpacked, SHA-256 verified, from ${location}`)
      }
    })
}
