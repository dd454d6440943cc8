import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const source = (path) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))

/** A peer that is not installed becomes a module that says so when it is opened; the others are measured all the same. */
const missingPeers = {
  name: 'missing-peers',
  enforce: 'pre',
  async resolveId(name, importer) {
    if (!importer?.includes('/bench/peers/') || /^[./\0]/.test(name)) return null
    return (await this.resolve(name, importer, { skipSelf: true })) ?? `\0missing:${name}`
  },
  load(id) {
    const [, name] = id.split('\0missing:')
    // CommonJS: whatever names are imported from it, the bundler can't miss them.
    return name ? `module.exports = {}\nthrow new Error(${JSON.stringify(`${name} is not installed`)})` : null
  },
}

/** The workers take ours from the sources, as the product's own page does: dist/ is built for Node. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [missingPeers],
  resolve: {
    alias: [
      // Without this the build with WebGPU.
      { find: /^onnxruntime-web$/, replacement: 'onnxruntime-web/wasm' },
      { find: /^.*\/dist\/index\.js$/, replacement: source('engine/index.ts') },
      { find: /^.*\/dist\/lime\.js$/, replacement: source('lime/index.ts') },
    ],
  },
  // Not minified: tfjs gives its threads the text of one of its functions.
  build: { target: 'es2022', minify: false, outDir: 'dist', emptyOutDir: true, chunkSizeWarningLimit: 4000 },
  worker: { format: 'es', plugins: () => [missingPeers] },
})
