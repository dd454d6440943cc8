/**
 * Who is measured, where, and in which settings. Peers are compared with ours of the same place and the same number of
 * threads; native PyTorch with ours in Node.
 *
 * @typedef {object} Contender
 * @property {string} peer file in peers/
 * @property {string} host the place where it stands beside ours
 * @property {number} [threads] on `cpu`
 * @property {string} [arithmetic] of ours: 'strict' (mul+add) or 'relaxed' (relaxed_madd)
 * @property {boolean} [fused] it may use fused multiply-adds: its ceiling is relaxed_madd's
 * @property {boolean} [isTuned] it has measured its kernels first, which nothing cold has
 * @property {string} name
 * @property {string[]} expected kinds of items that get a row, measured or with the reason why not
 * @property {object} options for the peer's open()
 */

const names = {
  ours: 'ours',
  'tfjs-wasm': 'tfjs-wasm',
  'tfjs-cpu': 'tfjs-cpu',
  'tfjs-webgpu': 'tfjs-webgpu',
  'onnxruntime-web': 'ORT-web wasm',
  'onnxruntime-webgpu': 'ORT-web webgpu',
  'onnxruntime-node': 'ORT native',
  'jax-js': 'jax-js wasm',
  pytorch: 'PyTorch native',
}
const kinds = ['forward', 'training', 'explanation']
const kindsOnWebGPU = [...kinds, 'convolution']

/** Those whose name contains one of the words of a list, 'ours,tfjs' say. */
export const peersNamed = (list) =>
  list && Object.keys(names).filter((peer) => list.split(',').some((part) => peer.includes(part)))

/**
 * @param {{ cores: number, only?: string[], tune?: number[] }} settings `tune`: batch sizes ours also stands there tuned for
 * @returns {Contender[]} who stands in this place
 */
export function contendersOn(device, host, { cores, only, tune = [] }) {
  const wanted = (peer) => peer === 'ours' || !only || only.includes(peer)
  const list = device === 'cpu' ? onProcessor(host, cores) : device === 'webgpu' ? onWebGPU(tune) : [ours(device)]
  return list.filter(({ peer }) => wanted(peer)).map((contender) => ({ host, ...contender }))
}

/** Who runs networks from files of a format. */
const runners = {
  onnx: { cpu: ['onnxruntime-web', 'onnxruntime-node'], webgpu: ['onnxruntime-webgpu'] },
  tfjs: { cpu: ['tfjs-wasm'], webgpu: ['tfjs-webgpu'] },
}

/** An explanation until the order of its first features is settled, or so many samples are taken. */
const settling = (topFeatures) => ({
  numSamples: 'auto',
  sampling: 'balanced',
  autoSamples: { topFeatures, most: 2048 },
})
/** As many as 'auto' settles unless told otherwise, and as many as chelsea's weights lie apart enough for. */
const settledFeatures = [5, 3]

/** Some don't run in browsers. */
const isHere = (peer, host) => host.startsWith('node') || !['onnxruntime-node', 'pytorch'].includes(peer)

/**
 * @param {{ format: string, isExplained?: boolean }} network
 * @param {{ threads: number[], only?: string[] }} settings `threads`: numbers of them, on `cpu`; of which an explanation takes the last
 * @returns {Contender[]} who can run a network from a file in this place, or explain a picture by it: ours also until the order of its first features is settled
 */
export function contendersOnNetwork({ format, isExplained }, device, host, { threads, only }) {
  const others = [...runners[format][device], ...(isExplained ? ['pytorch'] : [])].filter(
    (peer) => isHere(peer, host) && (!only || only.includes(peer)),
  )
  const expected = [isExplained ? 'explanation' : 'forward']
  if (device === 'webgpu')
    return ['ours', ...others].map((peer) => ({ host, peer, name: names[peer], expected, options: { device } }))
  const own = [false, true].map((relaxed) => ['ours', { device, relaxed }])
  if (isExplained)
    for (const first of settledFeatures) own.push(['ours', { device, relaxed: true, design: settling(first) }])
  return (isExplained ? threads.slice(-1) : threads).flatMap((count) =>
    [...own, ...others.map((peer) => [peer, {}])].map(([peer, options]) => ({
      host,
      peer,
      threads: count,
      expected,
      options: { threads: count, ...options },
      ...describe(peer, count, options),
    })),
  )
}

const ours = (device) => ({
  peer: 'ours',
  name: names.ours,
  expected: device === 'webgpu' ? kindsOnWebGPU : kinds,
  options: { device },
})

function onWebGPU(tune) {
  const peer = (peer, name = names[peer], more = ['convolution']) => ({
    peer,
    name,
    expected: ['forward', 'training', ...more],
    options: { device: 'webgpu' },
  })
  const tuned = { ...ours('webgpu'), name: 'ours, tuned', isTuned: true, options: { device: 'webgpu', tune } }
  return [
    ours('webgpu'),
    ...(tune.length > 0 ? [tuned] : []),
    peer('tfjs-webgpu'),
    peer('jax-js', 'jax-js webgpu'),
    // It runs whole models.
    peer('onnxruntime-webgpu', undefined, []),
  ]
}

function onProcessor(host, cores) {
  const list = []
  const add = (peer, threads, options = {}) =>
    list.push({
      peer,
      threads,
      expected: ['ours', 'pytorch'].includes(peer) ? kinds : ['forward', 'training'],
      options: { threads, ...options },
      ...describe(peer, threads, options),
    })
  for (const threads of cores > 1 ? [1, cores] : [1]) {
    for (const relaxed of [false, true]) add('ours', threads, { device: 'cpu', relaxed })
    for (const peer of ['tfjs-wasm', 'onnxruntime-web', 'jax-js']) add(peer, threads)
    if (host === 'node' && threads === 1) add('tfjs-cpu', threads)
    if (host === 'node') for (const tuned of [false, true]) add('pytorch', threads, { tuned })
  }
  return list
}

function describe(peer, threads, { relaxed, tuned, design }) {
  const rounding = [
    relaxed ? 'relaxed' : 'strict',
    ...(design ? [`auto, first ${design.autoSamples.topFeatures}`] : []),
  ].join(', ')
  const arithmetic = peer === 'ours' ? rounding : undefined
  const setting = arithmetic ?? (tuned === undefined ? undefined : tuned ? 'allocator tuned' : 'as installed')
  const name = [names[peer], `${threads} thread${threads > 1 ? 's' : ''}`, setting].filter(Boolean).join(', ')
  const fused = relaxed === true || ['jax-js', 'pytorch', 'onnxruntime-node'].includes(peer)
  return { name, fused, ...(arithmetic && { arithmetic }) }
}
