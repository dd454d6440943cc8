import type { Plugin, Rolldown } from 'vite'

/**
 * How a Worker's script is cut into files: what it starts with is all in one file but for the script that the Worker is made
 * from. The files that it loads later share code with it, and import that. Would they import the Worker's own script,
 * WebKit evaluated it once more: two engines in one Worker, each of which answers every message, and the second, which has
 * loaded nothing, knows no network.
 */
export const scriptApart: Rolldown.CodeSplittingOptions = {
  groups: [{ name: 'engine', tags: ['$initial'], test: (id) => !/-worker\.ts(\?|$)/.test(id) }],
}

/** A Vite plugin for Workers: fails the build where a file imports the script that a Worker is made from. */
export function workerScriptsAlone(): Plugin {
  return {
    name: 'worker-scripts-alone',
    apply: 'build',
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      const scripts = new Set(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName))
      for (const { fileName, imports, dynamicImports } of chunks) {
        const script = [...imports, ...dynamicImports].find((name) => scripts.has(name))
        if (script)
          this.error(`${fileName} imports ${script}, a Worker's own script, which WebKit would evaluate twice`)
      }
    },
  }
}
