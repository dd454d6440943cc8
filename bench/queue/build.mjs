import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Builds the queue's part of the command, which no package exports, and says where it is. */
export async function buildQueue() {
  const outDir = join(root, 'node_modules/.cache/limelight-bench')
  await build({
    configFile: false,
    logLevel: 'error',
    root,
    build: {
      ssr: true,
      outDir,
      minify: false,
      rolldownOptions: {
        input: { queue: join(root, 'bench/queue/queue.ts') },
        output: { format: 'es', entryFileNames: '[name].mjs' },
      },
    },
  })
  return pathToFileURL(join(outDir, 'queue.mjs')).href
}
