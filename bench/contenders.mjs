/**
 * Who is measured, where, and in which settings. Peers are compared with ours of the same place and the same number of
 * threads; native PyTorch with ours in Node.
 *
 * @typedef {object} Contender
 * @property {string} peer file in peers/
 * @property {'node'|'chromium'} host where it stands beside ours
 * @property {number} threads
 * @property {string} [arithmetic] of ours: 'strict' (mul+add) or 'relaxed' (relaxed_madd)
 * @property {boolean} fused it may use fused multiply-adds: its ceiling is relaxed_madd's
 * @property {string[]} expected items that get a row, measured or with the reason why not
 * @property {object} options for the peer's open()
 */

import { items } from './work.mjs'

const names = {
  ours: 'ours',
  'tfjs-wasm': 'tfjs-wasm',
  'tfjs-cpu': 'tfjs-cpu',
  'onnxruntime-web': 'ORT-web wasm',
  'jax-js': 'jax-js wasm',
  pytorch: 'PyTorch native',
}

export const peers = Object.keys(names)

/** @returns {Contender[]} */
export function contendersOn(device, { cores, hosts, only }) {
  const threadCounts = cores > 1 ? [1, cores] : [1]
  const list = []
  const add = (peer, host, threads, options = {}) => {
    const expected = ['ours', 'pytorch'].includes(peer) ? Object.keys(items) : ['forward', 'training']
    if (hosts.includes(host) && (peer === 'ours' || !only || only.includes(peer)))
      list.push({
        peer,
        host,
        threads,
        expected,
        options: { threads, ...options },
        ...describe(peer, threads, options),
      })
  }
  if (device !== 'cpu') {
    add('ours', 'node', 1, { device })
    return list
  }
  for (const host of ['node', 'chromium'])
    for (const threads of threadCounts) {
      for (const relaxed of [false, true]) add('ours', host, threads, { device, relaxed })
      for (const peer of ['tfjs-wasm', 'onnxruntime-web', 'jax-js']) add(peer, host, threads)
      if (host === 'node' && threads === 1) add('tfjs-cpu', host, threads)
      if (host === 'node') for (const tuned of [false, true]) add('pytorch', host, threads, { tuned })
    }
  return list
}

function describe(peer, threads, { relaxed, tuned }) {
  const arithmetic = peer === 'ours' && relaxed !== undefined ? (relaxed ? 'relaxed' : 'strict') : undefined
  const setting = arithmetic ?? (tuned === undefined ? undefined : tuned ? 'allocator tuned' : 'as installed')
  const name = [names[peer], `${threads} thread${threads > 1 ? 's' : ''}`, setting].filter(Boolean).join(', ')
  const fused = relaxed === true || ['jax-js', 'pytorch'].includes(peer)
  return { name, fused, ...(arithmetic && { arithmetic }) }
}
