import sourceCode from '../../../shaders/conv2d-source.wgsl?raw'
import type { InnerConvolution } from '../../plan/fuse-prologues.ts'
import type { PlanStep } from '../../plan/plan.ts'
import { type Binding, loadRows, loadSingly, scratch } from '../dispatch.ts'
import type { InnerWork } from './conv2d-tiles.ts'

/**
 * The convolution inside another one's load (see fuse-prologues.ts): a step that has one is two steps, or one dispatch whose tiles
 * make what they cover of the first one's images themselves.
 */

export interface InnerStep {
  /** The inner convolution alone; its result goes to scratch. */
  readonly inner: PlanStep
  /** The outer one as it is without. */
  readonly outer: PlanStep
  readonly work: InnerWork
}

/** Storage buffers that every adapter binds at once. */
const maxStorageBindings = 8

/** The two convolutions of a step; null where it has only one. */
export function innerOf(step: PlanStep): InnerStep | null {
  if (!step.attributes.recompute) return null
  const { recompute, innerShape, innerPadding, innerBias, innerRelu, blend, ...rest } =
    step.attributes as PlanStep['attributes'] & InnerConvolution
  const { innerKernel, innerBias: bias, kernel, gain, bias: outerBias, residual, mask, ...images } = step.inputs
  const between = scratch(innerShape)
  const [windowHeight, windowWidth, channels] = innerKernel.shape
  const [height, width] = blend ? images.image.shape : images.x.shape.slice(1)
  const [, outHeight, outWidth] = innerShape
  const [padTop, padLeft] = innerPadding
  const walk = { windowHeight, windowWidth, strideY: 1, strideX: 1, padTop, padLeft, outHeight, outWidth }
  const flags = { ...(blend && { blend }), ...(innerBias && { bias: true }), ...(innerRelu && { relu: true }) }
  return {
    inner: {
      ...step,
      inputs: { ...images, kernel: innerKernel, ...(innerBias && { bias }) },
      outputs: [between],
      attributes: { ...walk, ...flags },
    },
    outer: {
      ...step,
      inputs: {
        x: between,
        kernel,
        ...(rest.gain && { gain }),
        ...(rest.bias && { bias: outerBias }),
        ...(rest.residual && { residual }),
        ...(rest.mask && { mask }),
      },
      attributes: rest,
    },
    work: { from: [height, width], channels, window: [windowHeight, windowWidth], padding: [padTop, padLeft] },
  }
}

/** Whether one dispatch can bind all that both convolutions read. */
export function canRecompute({ inputs, outputs, attributes }: PlanStep): boolean {
  const { innerShape, innerBias } = attributes as PlanStep['attributes'] & InnerConvolution
  const uniforms = innerBias && isUniformBias(innerShape) ? 1 : 0
  return Object.keys(inputs).length + outputs.length - uniforms <= maxStorageBindings
}

/** All lanes want the same number of it. */
function isUniformBias(innerShape: readonly number[]): boolean {
  return innerShape[3] % 4 === 0
}

/** What a tile that recomputes calls: inner_weight(w, channel), inner_bias(channel), inner_epilogue, as_four, source_pixel. */
export function innerParts({ inner }: InnerStep, isFour: boolean): { bindings: Binding[]; functions: string[] } {
  const { bias, relu } = inner.attributes
  const { kernel, bias: innerBias } = inner.inputs
  const filters = kernel.shape[3]
  const weights = (isFour ? loadRows : loadSingly)('inner', kernel, filters)
  const biases = bias ? loadRows('innerBias', innerBias, filters) : null
  const load = (name: string, row: string) =>
    isFour ? `load_${name}4(${row}, channel / 4u)` : `load_${name}(${row}, channel)`
  return {
    bindings: [
      weights.binding,
      ...(biases
        ? [isUniformBias(kernel.shape) ? { ...biases.binding, access: 'uniform' as const } : biases.binding]
        : []),
    ],
    functions: [
      weights.functions,
      ...(biases ? [biases.functions] : []),
      channelsAlias(isFour),
      `fn as_four(channels: Channels) -> vec4f { return ${isFour ? 'channels' : 'vec4f(channels, vec3f(0.0))'}; }
fn inner_weight(w: u32, channel: u32) -> Channels { return ${load('inner', 'w')}; }
fn inner_bias(channel: u32) -> Channels { return ${biases ? load('innerBias', '0u') : 'Channels()'}; }
fn inner_epilogue(sum: Channels) -> Channels { return ${relu ? 'select(Channels(), sum, sum > Channels())' : 'sum'}; }`,
      sourceCode,
    ],
  }
}

/** One channel of a pixel, or four: what a tile has in hand at a time. */
export function channelsAlias(isFour: boolean): string {
  return `alias Channels = ${isFour ? 'vec4f' : 'f32'};`
}
