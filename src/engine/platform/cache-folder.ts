import { nodeModule } from './node-module.ts'

/** Where Limelight keeps files in Node: LIMELIGHT_DATA, else limelight/ in XDG_CACHE_HOME, else ~/.cache/limelight. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { isAbsolute, join, resolve } = nodeModule('node:path')
  const { LIMELIGHT_DATA: named, XDG_CACHE_HOME: caches } = environment
  if (named) return resolve(named)
  // The XDG specification has relative paths ignored.
  return join(caches && isAbsolute(caches) ? caches : join(nodeModule('node:os').homedir(), '.cache'), 'limelight')
}
