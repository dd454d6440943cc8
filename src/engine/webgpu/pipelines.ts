import { DeviceError } from '../errors.ts'
import type { BindingKind } from './dispatch.ts'
import { scoped } from './error-scopes.ts'

/** Compiled kernels by their source, and the layouts of what they bind. Programs share both. */
export class Pipelines {
  private readonly pipelines = new Map<string, Promise<GPUComputePipeline>>()
  private readonly layouts = new Map<string, GPUBindGroupLayout>()

  constructor(
    private readonly gpu: GPUDevice,
    private readonly onMade: () => void,
  ) {}

  layoutFor(kinds: readonly BindingKind[]): GPUBindGroupLayout {
    const key = kinds.join()
    const known = this.layouts.get(key)
    if (known) return known
    const compute = 0x4
    const types = { read: 'read-only-storage', read_write: 'storage', uniform: 'uniform' } as const
    const layout = this.gpu.createBindGroupLayout({
      label: key,
      entries: kinds.map((kind, binding) => ({ binding, visibility: compute, buffer: { type: types[kind] } })),
    })
    this.layouts.set(key, layout)
    return layout
  }

  /** Compiles in the background. @throws DeviceError with the kernel's name and the lines that were refused */
  pipelineFor(kernel: string, kinds: readonly BindingKind[], source: string): Promise<GPUComputePipeline> {
    const known = this.pipelines.get(source)
    if (known) return known
    const made = this.create(kernel, kinds, source)
    this.pipelines.set(source, made)
    made.catch(() => this.pipelines.delete(source))
    return made
  }

  clear(): void {
    this.pipelines.clear()
    this.layouts.clear()
  }

  private async create(kernel: string, kinds: readonly BindingKind[], source: string): Promise<GPUComputePipeline> {
    const { value: module, verdict } = scoped(this.gpu, () =>
      this.gpu.createShaderModule({ label: kernel, code: source }),
    )
    const layout = this.gpu.createPipelineLayout({ bindGroupLayouts: [this.layoutFor(kinds)] })
    const pipeline = this.gpu.createComputePipelineAsync({
      label: kernel,
      layout,
      compute: { module, entryPoint: 'main' },
    })
    const [made, checked] = await Promise.allSettled([pipeline, verdict])
    if (made.status === 'fulfilled' && checked.status === 'fulfilled') {
      this.onMade()
      return made.value
    }
    const cause: unknown = made.status === 'rejected' ? made.reason : checked.status === 'rejected' && checked.reason
    throw new DeviceError(`webgpu: kernel "${kernel}" was refused: ${await complaints(module, source, cause)}`, {
      cause,
    })
  }
}

/** The compiler's messages with the lines they are about, or else what the pipeline's creation said. */
async function complaints(module: GPUShaderModule, source: string, cause: unknown): Promise<string> {
  const { messages } = await module.getCompilationInfo()
  const lines = source.split('\n')
  const errors = messages.filter(({ type }) => type === 'error')
  if (errors.length === 0) return cause instanceof Error ? cause.message : String(cause)
  return errors
    .map(({ message, lineNum, linePos }) => `${lineNum}:${linePos} ${message}\n  ${lines[lineNum - 1] ?? ''}`)
    .join('\n')
}
