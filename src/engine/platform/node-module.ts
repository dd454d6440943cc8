interface NodeModules {
  'node:crypto': typeof import('node:crypto')
  'node:fs': typeof import('node:fs')
  'node:fs/promises': typeof import('node:fs/promises')
  'node:os': typeof import('node:os')
  'node:path': typeof import('node:path')
  'node:url': typeof import('node:url')
  'node:v8': typeof import('node:v8')
  'node:worker_threads': typeof import('node:worker_threads')
}

/** Whether this runs in Node: there is a file system, and no page. */
export const isNode = typeof process !== 'undefined' && typeof process.versions?.node === 'string'

/** One of Node's own modules, without an import that a bundler for the browser would follow. Only where isNode. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  return process.getBuiltinModule(name) as NodeModules[Name]
}
