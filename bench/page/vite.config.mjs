import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const source = (path) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))

/** The workers take ours from the sources, as the product's own page does: dist/ is built for Node. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
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
  worker: { format: 'es' },
})
