import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { Plugin } from 'vite'
import type { SiteFiles } from '../src/app/page/service-worker.ts'

/** The entry, and the file at the site's root: its address must never change, browsers look there for the next version. */
export const serviceWorkerName = 'service-worker'

/** Is in the script where the list belongs. */
const placeholder = 'SITE_FILES'

/**
 * A Vite plugin: tells the service worker which files the build has, with the SHA-256 of their content. Not among them are
 * what lies in the folders `leftOut`, which end in slashes, and the service worker itself.
 */
export function offlineFiles({ leftOut }: { readonly leftOut: readonly string[] }): Plugin {
  return {
    name: 'offline-files',
    apply: 'build',
    generateBundle: {
      // When the pages and all assets are there.
      order: 'post',
      handler(_options, bundle) {
        const script = bundle[`${serviceWorkerName}.js`]
        if (script?.type !== 'chunk' || !script.code.includes(placeholder))
          this.error(`the build has no ${serviceWorkerName}.js with a place for the list of files`)
        const files: Record<string, readonly string[]> = {}
        for (const [name, file] of Object.entries(bundle)) {
          if (file === script || leftOut.some((folder) => name.startsWith(folder))) continue
          files[name] = digestsOf(name, Buffer.from(file.type === 'chunk' ? file.code : file.source))
        }
        script.code = script.code.replace(placeholder, () => JSON.stringify(files satisfies SiteFiles))
      },
    },
  }
}

function digestsOf(name: string, content: Buffer): string[] {
  const contents = name.endsWith('.gz') ? [content, gunzipSync(content)] : [content]
  return contents.map((bytes) => createHash('sha256').update(bytes).digest('hex'))
}
