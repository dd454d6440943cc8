import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vite'
import { pageNetworksFolder } from './src/app/catalogue/page-networks.ts'
import { offlineFiles, serviceWorkerName } from './vite/offline-files.ts'
import { chosenNetworks, pageNetworks } from './vite/page-networks.ts'
import { responseHeaders } from './vite/response-headers.ts'
import { trainingFiles } from './vite/training-files.ts'
import { scriptApart, workerScriptsAlone } from './vite/worker-scripts-alone.ts'

/**
 * Chunks carry a hash of their content, so a `limelight` that is running imports its own even after another build. What
 * no build of the last day wrote is removed: nothing runs that long, and a checkout would gather them for ever.
 */
const removeOldChunks: Plugin = {
  name: 'remove-old-chunks',
  writeBundle({ dir }, bundle) {
    const folder = join(dir ?? '', 'chunks')
    const yesterday = Date.now() - 24 * 60 * 60 * 1000
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
      if (!(`chunks/${name}` in bundle) && written < yesterday) rmSync(path, { force: true })
    }
  },
}

/** What d3's modules make forty colour scales and ways to mix colours with as they load: pure, so that those that nobody asks for can be left out. */
const makersOfColourScales = [
  'colors',
  'ramp$1',
  'ramp',
  'interpolateCubehelixLong',
  'cubehelix$1',
  'hsl',
  'hcl',
  'cubehelix',
  'interpolateTransform',
]

/** Its schemes are method calls, which no list of names covers: marked as pure, they go as well when nobody asks for them. */
const colourSchemesOnDemand: Plugin = {
  name: 'colour-schemes-on-demand',
  transform: {
    filter: { id: /d3-scale-chromatic/ },
    handler: (code) => code.replaceAll('new Array(3).concat(', '/*#__PURE__*/ new Array(3).concat('),
  },
}

/**
 * What the page's first view needs is one file: files are packed the better the larger they are, and views that are loaded later
 * would have it cut in pieces where they share something with it.
 */
const firstViewTogether = {
  name: 'first-view',
  tags: ['$initial' as const],
  test: /\/src\/(lime|app\/page\/(contract|explain|parts|pictures|places))\//,
}

const pageFolder = join(import.meta.dirname, 'src/app/page')

/**
 * Two builds from one source tree: `vite build --mode library` makes dist/ (the package and its command, for Node),
 * `vite build` makes site/ (the pages, static files). Without a build, `vite` serves the pages.
 */
export default defineConfig(({ mode }) =>
  mode === 'library'
    ? {
        plugins: [removeOldChunks],
        build: {
          target: 'es2022',
          outDir: 'dist',
          // Another `limelight` may be running from dist/, and may import more of its own files yet.
          emptyOutDir: false,
          minify: false,
          copyPublicDir: false,
          ssr: true,
          rolldownOptions: {
            input: {
              index: 'src/engine/index.ts',
              lime: 'src/lime/index.ts',
              cli: 'src/app/cli/main.ts',
              // The thread of a queue's worker is started from a file.
              'shard-thread': 'src/app/queue/shard-thread.ts',
            },
            output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
          },
        },
      }
    : {
        root: pageFolder,
        // Relative addresses: the site works from any folder of any file host.
        base: './',
        plugins: [
          responseHeaders(),
          trainingFiles(),
          pageNetworks(chosenNetworks(process.env.LIMELIGHT_PAGE_NETWORKS)),
          offlineFiles({ leftOut: ['data/', pageNetworksFolder] }),
          colourSchemesOnDemand,
        ],
        // Else whoever builds with another NODE_ENV than production, as tests do, gets each element's file, line and column along.
        oxc: { jsx: { development: false } },
        // Its other generators are not asked for.
        resolve: { alias: [{ find: /^seedrandom$/, replacement: 'seedrandom/seedrandom.js' }] },
        build: {
          target: 'es2022',
          outDir: '../../../site',
          emptyOutDir: true,
          // Current browsers preload modules by themselves.
          modulePreload: { polyfill: false },
          rolldownOptions: {
            treeshake: { manualPureFunctions: makersOfColourScales },
            input: ['index.html', 'benchmark.html', `${serviceWorkerName}.ts`].map((name) => join(pageFolder, name)),
            output: {
              entryFileNames: ({ name }) => (name === serviceWorkerName ? '[name].js' : 'assets/[name]-[hash].js'),
              codeSplitting: { groups: [firstViewTogether] },
            },
          },
        },
        worker: {
          format: 'es' as const,
          plugins: () => [workerScriptsAlone(), colourSchemesOnDemand],
          rolldownOptions: {
            treeshake: { manualPureFunctions: makersOfColourScales },
            output: { codeSplitting: scriptApart },
          },
        },
        // Found only inside the worker, or later: without this the dev server stops to bundle them on the first visit.
        optimizeDeps: { include: ['seedrandom', 'idb-keyval', 'uplot'] },
      },
)
