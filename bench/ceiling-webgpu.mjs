/**
 * What a WebGPU adapter can do at most, measured through WebGPU itself: multiply-adds in registers, and copying memory.
 * Multiply-adds come in several shapes, of which the fastest counts: a ceiling that something passes is none.
 */

const workgroupSize = 64
/** Steps of every chain a round: unrolled, so that the loop costs nothing. */
const unrolled = 16
/** Long enough that submitting and waiting don't count. */
const enoughMs = 60
/** More than caches hold, less than a binding may have by default. */
const copiedBytes = 96 * 2 ** 20

/** Independent chains of an invocation, and their type: enough to hide an instruction's latency, few enough for the registers. */
const shapes = [
  { type: 'f32', lanes: 1, chains: 4 },
  { type: 'f32', lanes: 1, chains: 8 },
  { type: 'f32', lanes: 1, chains: 12 },
  { type: 'vec4f', lanes: 4, chains: 2 },
  { type: 'vec4f', lanes: 4, chains: 4 },
]

/**
 * x = a x + b, with a and b from memory so that nothing is folded. 0.75 and 0.25 keep x near 1: with denormals processors
 * are several times slower.
 */
function multiplyAdds({ type, chains }) {
  const names = Array.from({ length: chains }, (_, i) => `x${i}`)
  const step = names.map((x) => `    ${x} = fma(${x}, a, b);`).join('\n')
  return `
struct Work { a: f32, b: f32, rounds: u32 }
@group(0) @binding(0) var<storage, read> work: Work;
@group(0) @binding(1) var<storage, read_write> results: array<${type}>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = ${type}(work.a);
  let b = ${type}(work.b);
${names.map((x, i) => `  var ${x} = ${type}(1.0 + f32((id.x + ${i}u) & 255u) / 256.0);`).join('\n')}
  for (var round = 0u; round < work.rounds; round++) {
${Array.from({ length: unrolled }, () => step).join('\n')}
  }
  results[id.x & 1023u] = ${names.join(' + ')};
}`
}

const copying = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> copied: array<vec4f>;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * ${workgroupSize}u;
  if (i < arrayLength(&copied)) { copied[i] = source[i]; }
}`

/**
 * @param {GPU} gpu
 * @returns {Promise<{adapter: string, measure(): Promise<{fma: number, copy: number}>, close(): void}>} `fma` in GFLOP/s,
 * `copy` in GB/s read and written
 */
export async function openMeter(gpu) {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) throw new Error('there is no WebGPU adapter')
  const device = await adapter.requestDevice()
  const storage = (size) => device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST })
  const work = storage(16)
  const results = storage(1024 * 16)
  const [source, copied] = [storage(copiedBytes), storage(copiedBytes)]
  device.queue.writeBuffer(work, 0, Float32Array.of(0.75, 0.25))

  /** @returns a function that gives the milliseconds of `times` dispatches in one submit */
  async function kernel(code, buffers) {
    const module = device.createShaderModule({ code })
    const pipeline = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    })
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }))
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
    return async (x, y, times) => {
      const encoder = device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(x, y)
      pass.end()
      const commands = encoder.finish()
      await device.queue.onSubmittedWorkDone()
      const start = performance.now()
      device.queue.submit([commands])
      await device.queue.onSubmittedWorkDone()
      return performance.now() - start
    }
  }

  const multiplying = await Promise.all(
    shapes.map(async (shape) => ({ ...shape, run: await kernel(multiplyAdds(shape), [work, results]), size: null })),
  )
  const copy = { run: await kernel(copying, [source, copied]), times: 1 }

  /** By how much to do more. By steps: a dispatch of seconds is taken for a hang by some drivers. */
  const growth = (ms) => Math.min(8, Math.max(1.3, (1.2 * enoughMs) / ms))

  async function multiplyAddRate(kernel) {
    const { run, lanes, chains } = kernel
    // Some drivers compile at the first dispatch.
    if (!kernel.size) await run(1, 1, 1)
    kernel.size ??= { groups: 64, rounds: 64 }
    for (;;) {
      const { groups, rounds } = kernel.size
      device.queue.writeBuffer(work, 8, Uint32Array.of(rounds))
      const ms = await run(groups, 1, 1)
      if (ms >= enoughMs) return (groups * workgroupSize * rounds * unrolled * chains * lanes * 2) / ms / 1e6
      const factor = growth(ms)
      if (groups < 16384) kernel.size = { rounds, groups: Math.min(16384, Math.ceil(groups * factor)) }
      else kernel.size = { groups, rounds: Math.ceil(rounds * factor) }
    }
  }

  async function copyRate() {
    const rows = 16
    for (;;) {
      const ms = await copy.run(copiedBytes / 16 / workgroupSize / rows, rows, copy.times)
      if (ms >= enoughMs) return (copy.times * 2 * copiedBytes) / ms / 1e6
      copy.times = Math.ceil(copy.times * growth(ms))
    }
  }

  let fastest
  return {
    adapter: adapterName(adapter.info),
    async measure() {
      if (!fastest) {
        await copyRate()
        const trials = []
        for (const kernel of multiplying) trials.push({ kernel, rate: await multiplyAddRate(kernel) })
        fastest = trials.sort((a, b) => b.rate - a.rate)[0].kernel
      }
      const rates = []
      for (let i = 0; i < 3; i++) rates.push(await multiplyAddRate(fastest))
      return { fma: Math.max(...rates), copy: await copyRate() }
    },
    close: () => device.destroy(),
  }
}

/** As adapters describe themselves: "nvidia ampere", "mesa llvmpipe: Mesa 25.0.7 …". */
export function adapterName({ vendor, architecture, device, description }) {
  return [vendor, architecture, description || device].filter(Boolean).join(' ')
}

/** An adapter that computes on the processor. */
export function isSoftware(info) {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(adapterName(info))
}
