/**
 * Which kernels there are, in a word: what tuning found is remembered for the kernels it was measured with. Of all shaders,
 * so that none that becomes a candidate can be forgotten. FNV-1a.
 */
const sources = import.meta.glob<string>('../../shaders/*.wgsl', { query: '?raw', import: 'default', eager: true })

export const kernelsHash = [...Object.values(sources).join('\n')]
  .reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0, 2166136261)
  .toString(36)
