import groupedCode from '../../../shaders/conv2d-grouped.wgsl?raw'
import inputGradientCode from '../../../shaders/conv2d-input-gradient-grouped.wgsl?raw'
import kernelGradientCode from '../../../shaders/conv2d-kernel-gradient-grouped.wgsl?raw'
import { groupsOf } from '../../ops/conv2d.ts'
import type { WindowAttributes } from '../../ops/window.ts'
import type { PlanStep } from '../../plan/plan.ts'
import { type Dispatch, type Lowering, loadRows, scratch, storeRows } from '../dispatch.ts'
import { epilogueOf } from '../epilogue.ts'
import { windowConstants } from './conv2d.ts'
import { slicesOf } from './conv2d-kernel-gradient.ts'
import { isInStrips, lowerInStrips } from './depthwise.ts'
import { combine } from './matmul.ts'
import { lowerColumnSums } from './reduce.ts'

/**
 * Convolutions in groups of channels, and depthwise ones, whose groups are single channels: a thread makes four neighbouring results of a
 * pixel, whatever groups they are of.
 */

interface Groups {
  /** Of one group. */
  readonly channels: number
  readonly filters: number
}

/**
 * `fn <name>_four(row, first, i)`: number first + i of a row, for each of four neighbouring results; results that lie in groups of `size`
 * have the same first, and are made of groups of `from` numbers.
 */
function loadFour(name: string, size: number, from: number): string {
  const own = (lane: string) => `load_${name}(row, first.${lane} + i)`
  // Each result is made of a number of its own: the four lie side by side, too, and past the last one are zeros.
  const isVector = size === 1 && from === 1
  const loads = isVector
    ? `load_${name}4(row, first.x / 4u)`
    : size % 4 === 0
      ? `vec4f(${own('x')})`
      : `vec4f(${['x', 'y', 'z', 'w'].map(own).join(', ')})`
  return `fn ${name}_four(row: u32, first: vec4u, i: u32) -> vec4f { return ${loads}; }`
}

/** `fn kernel_four(rows, first, i)`: the same of the kernel, where each result has a row of its own. */
function loadWeights({ channels, filters }: Groups): string {
  const loads =
    channels === 1 && filters === 1
      ? 'load_kernel4(rows.x, first.x / 4u)'
      : `vec4f(${['x', 'y', 'z', 'w'].map((lane) => `load_kernel(rows.${lane}, first.${lane} + i)`).join(', ')})`
  return `fn kernel_four(rows: vec4u, first: vec4u, i: u32) -> vec4f { return ${loads}; }`
}

function groupConstants({ channels, filters }: Groups, results: number) {
  return { GROUP_CHANNELS: channels, GROUP_FILTERS: filters, FOURS: Math.ceil(results / 4) }
}

const windowOf = ({ attributes }: PlanStep) => attributes as WindowAttributes

function conv2d(step: PlanStep, groups: number): Dispatch[] {
  const { x, kernel } = step.inputs
  const [y] = step.outputs
  const [count, height, width, channels] = x.shape
  const filters = y.shape[3]
  const w = windowOf(step)
  const group = { channels: channels / groups, filters: filters / groups }
  const epilogue = epilogueOf(step, filters)
  const parts = [loadRows('x', x, channels), loadRows('kernel', kernel, filters), storeRows('y', y, filters)]
  const constants = groupConstants(group, filters)
  return [
    {
      kernel: step.kernel,
      bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
      constants: { ...windowConstants(w, height, width), ...constants, FILTERS: filters },
      functions: [
        ...parts.map(({ functions }) => functions),
        loadFour('x', group.filters, group.channels),
        ...epilogue.functions,
      ],
      code: groupedCode,
      threads: count * w.outHeight * w.outWidth * constants.FOURS,
    },
  ]
}

function inputGradient(step: PlanStep, groups: number): Dispatch[] {
  const { dy, kernel } = step.inputs
  const [dx] = step.outputs
  const [count, height, width, channels] = dx.shape
  const filters = dy.shape[3]
  const group = { channels: channels / groups, filters: filters / groups }
  const epilogue = epilogueOf(step, channels)
  const parts = [loadRows('dy', dy, filters), loadRows('kernel', kernel, filters), storeRows('dx', dx, channels)]
  const constants = groupConstants(group, channels)
  return [
    {
      kernel: step.kernel,
      bindings: [...parts.map(({ binding }) => binding), ...epilogue.bindings],
      constants: { ...windowConstants(windowOf(step), height, width), ...constants, CHANNELS: channels },
      functions: [
        ...parts.map(({ functions }) => functions),
        loadFour('dy', group.channels, group.filters),
        loadWeights(group),
        ...epilogue.functions,
      ],
      code: inputGradientCode,
      threads: count * height * width * constants.FOURS,
    },
  ]
}

function kernelGradient(step: PlanStep, groups: number): Dispatch[] {
  const { x, dy } = step.inputs
  const [dk, ...sums] = step.outputs
  const [count, height, width, channels] = x.shape
  const filters = dy.shape[3]
  const w = windowOf(step)
  const group = { channels: channels / groups, filters: filters / groups }
  const taps = w.windowHeight * w.windowWidth * group.channels
  const constants = groupConstants(group, filters)
  const rows = count * w.outHeight
  const { slices, rowsInSlice } = slicesOf(rows, taps * constants.FOURS)
  const target = slices === 1 ? dk : scratch([slices, taps, filters])
  const parts = [loadRows('x', x, channels), loadRows('dy', dy, filters), storeRows('dk', target, filters)]
  const gradient: Dispatch = {
    kernel: step.kernel,
    bindings: parts.map(({ binding }) => binding),
    constants: {
      ...windowConstants(w, height, width),
      ...constants,
      FILTERS: filters,
      TAPS: taps,
      ROWS: rows,
      ROWS_IN_SLICE: rowsInSlice,
    },
    functions: [...parts.map(({ functions }) => functions), loadFour('x', group.filters, group.channels)],
    code: kernelGradientCode,
    threads: taps * constants.FOURS * slices,
  }
  return [
    gradient,
    ...(slices === 1 ? [] : [combine({ ...step, outputs: [dk] }, target, slices, taps, filters)]),
    ...sums.flatMap((sum) => lowerColumnSums(dy, sum)),
  ]
}

/** A convolution's lowering, and another where it is in groups. */
function orInGroups(dense: Lowering, grouped: typeof conv2d): Lowering {
  return (step, context) => {
    const groups = groupsOf(windowOf(step))
    return groups === 1 ? dense(step, context) : grouped(step, groups)
  }
}

/** What lowerings of convolutions become where some are in groups. */
export function withGroups(
  dense: Readonly<Record<'conv2d' | 'conv2dInputGradient' | 'conv2dKernelGradient', Lowering>>,
) {
  return {
    conv2d: orInGroups(dense.conv2d, conv2d),
    conv2dInputGradient: orInGroups(dense.conv2dInputGradient, inputGradient),
    conv2dKernelGradient: orInGroups(dense.conv2dKernelGradient, kernelGradient),
  }
}

const channelsOf = ({ shape }: { readonly shape: readonly number[] }) => shape[3]

export const depthwiseLowerings = {
  depthwiseConv2d: (step, context) =>
    isInStrips(step) ? [lowerInStrips(step, context)] : conv2d(step, channelsOf(step.inputs.x)),
  depthwiseConv2dInputGradient: (step) => inputGradient(step, channelsOf(step.outputs[0])),
  depthwiseConv2dKernelGradient: (step) => kernelGradient(step, channelsOf(step.inputs.x)),
} satisfies Record<string, Lowering>
