/**
 * What a WebGPU adapter can do at most, measured through WebGPU itself: multiply-adds in registers, and copying memory.
 * Multiply-adds come in several shapes, of which the fastest counts: a ceiling that something passes is none.
 */
export interface Ceilings {
  /** GFLOP/s of multiply-adds. */
  readonly fma: number
  /** GB/s read and written by a copy. */
  readonly copy: number
}

export interface CeilingMeter {
  readonly info: GPUAdapterInfo
  /** Takes a second or two the first time, then some tenths. */
  measure(): Promise<Ceilings>
  close(): void
}

const workgroupSize = 64
/** Steps of every chain a round: unrolled, so that the loop costs nothing. */
const unrolled = 16
/** Long enough that submitting and waiting don't count. */
const enoughMs = 60
/** More than caches hold, less than a binding may have by default. */
const copiedBytes = 96 * 2 ** 20
/** Workgroups before rounds grow instead. */
const manyGroups = 16_384
const copiedRows = 16

interface Shape {
  readonly type: 'f32' | 'vec4f'
  readonly lanes: number
  /** Independent ones: enough to hide an instruction's latency, few enough for the registers. */
  readonly chains: number
}

const shapes: readonly Shape[] = [
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
function multiplyAdds({ type, chains }: Shape): string {
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

/** By how much to do more. By steps: a dispatch of seconds is taken for a hang by some drivers. */
const growth = (ms: number) => Math.min(8, Math.max(1.3, (1.2 * enoughMs) / ms))

/** Milliseconds of so many dispatches in one submit. */
type Timed = (x: number, y: number, times: number) => Promise<number>

/** @throws Error when there is no adapter */
export async function openMeter(gpu: GPU): Promise<CeilingMeter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) throw new Error('there is no WebGPU adapter')
  const device = await adapter.requestDevice()
  const storage = (size: number) =>
    device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST })
  const work = storage(16)
  const results = storage(1024 * 16)
  const [source, copied] = [storage(copiedBytes), storage(copiedBytes)]
  device.queue.writeBuffer(work, 0, Float32Array.of(0.75, 0.25))

  async function timed(code: string, buffers: readonly GPUBuffer[]): Promise<Timed> {
    const module = device.createShaderModule({ code })
    const pipeline = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    })
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    })
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
    shapes.map(async (shape) => ({
      ...shape,
      run: await timed(multiplyAdds(shape), [work, results]),
      size: { groups: 64, rounds: 64 },
      isWarm: false,
    })),
  )
  const copy = { run: await timed(copying, [source, copied]), times: 1 }

  async function multiplyAddRate(kernel: (typeof multiplying)[number]): Promise<number> {
    // Some drivers compile at the first dispatch.
    if (!kernel.isWarm) await kernel.run(1, 1, 1)
    kernel.isWarm = true
    for (;;) {
      const { groups, rounds } = kernel.size
      device.queue.writeBuffer(work, 8, Uint32Array.of(rounds))
      const ms = await kernel.run(groups, 1, 1)
      const flops = groups * workgroupSize * rounds * unrolled * kernel.chains * kernel.lanes * 2
      if (ms >= enoughMs) return flops / ms / 1e6
      if (groups < manyGroups) kernel.size = { rounds, groups: Math.min(manyGroups, Math.ceil(groups * growth(ms))) }
      else kernel.size = { groups, rounds: Math.ceil(rounds * growth(ms)) }
    }
  }

  async function copyRate(): Promise<number> {
    for (;;) {
      const ms = await copy.run(copiedBytes / 16 / workgroupSize / copiedRows, copiedRows, copy.times)
      if (ms >= enoughMs) return (copy.times * 2 * copiedBytes) / ms / 1e6
      copy.times = Math.ceil(copy.times * growth(ms))
    }
  }

  let fastest: (typeof multiplying)[number] | undefined
  return {
    info: adapter.info,
    async measure() {
      if (!fastest) {
        await copyRate()
        const trials = []
        for (const kernel of multiplying) trials.push({ kernel, rate: await multiplyAddRate(kernel) })
        fastest = trials.sort((a, b) => b.rate - a.rate)[0].kernel
      }
      const rates: number[] = []
      for (let i = 0; i < 3; i++) rates.push(await multiplyAddRate(fastest))
      return { fma: Math.max(...rates), copy: await copyRate() }
    },
    close: () => device.destroy(),
  }
}
