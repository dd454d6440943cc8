import { defineConfig } from 'vite'

/** Cross-origin isolation: SharedArrayBuffer, and with it WebAssembly threads, exists only under these headers. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/**
 * Two builds from one source tree: `vite build --mode library` makes dist/ (the package and its command, for Node),
 * `vite build` makes site/ (the page, static files). Without a build, `vite` serves the page.
 */
export default defineConfig(({ mode }) =>
  mode === 'library'
    ? {
        build: {
          target: 'es2022',
          outDir: 'dist',
          // Another `limelight` may be running from dist/: replace files, never remove them under it.
          emptyOutDir: false,
          minify: false,
          copyPublicDir: false,
          ssr: true,
          rolldownOptions: {
            input: { index: 'src/engine/index.ts', lime: 'src/lime/index.ts', cli: 'src/app/cli/main.ts' },
            output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
          },
        },
      }
    : {
        root: 'src/app/page',
        // Relative addresses: the site works from any folder of any file host.
        base: './',
        build: { target: 'es2022', outDir: '../../../site', emptyOutDir: true },
        worker: { format: 'es' as const },
        // Found only inside the worker: without this the dev server stops to bundle it on the first visit.
        optimizeDeps: { include: ['seedrandom'] },
        server: { headers: isolation },
        preview: { headers: isolation },
      },
)
