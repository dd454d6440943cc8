/**
 * Which samples look alike where only a few segments can be seen. Terms:
 * - set: the segments that a pixel's value depends on, those that its receptive field touches. Sets are numbered; 0 is empty.
 * - pattern: which segments of a set are shown. A pixel takes one value a pattern, however many samples there are.
 * A set of few segments has all its 2^k patterns, bit j for its j-th segment; one of more has those that the samples show.
 */
export interface SampledMasks {
  /** [count, segmentCount] of 0 and 1. */
  readonly masks: Uint8Array
  readonly count: number
  readonly segmentCount: number
}

interface SegmentSet {
  /** Ascending. */
  readonly segments: readonly number[]
  /** Of a set that has all patterns, 2^k; of others as many as the samples show, once they were counted. */
  patterns: number | null
  /** The pattern that each sample shows. */
  ofSamples: Int32Array | null
  /** A sample for each pattern, where not all are listed. */
  representatives: Int32Array | null
}

export const emptySet = 0

/** Patterns and samples are indexed by 32-bit numbers. */
const mostListedSegments = 24

export class SegmentPatterns {
  private readonly sets: SegmentSet[] = []
  private readonly numbers = new Map<string, number>()
  private readonly unions = new Map<number, number>()
  private readonly projections = new Map<number, Int32Array>()
  private readonly listed: number

  /** @param samples null: all masks there are, so that every set has all its patterns */
  constructor(private readonly samples: SampledMasks | null) {
    this.listed = samples ? Math.min(mostListedSegments, Math.floor(Math.log2(samples.count))) : mostListedSegments
    this.setOf([])
  }

  setOf(segments: readonly number[]): number {
    const key = segments.join()
    const known = this.numbers.get(key)
    if (known !== undefined) return known
    const patterns =
      segments.length <= this.listed ? 2 ** segments.length : this.samples ? null : Number.POSITIVE_INFINITY
    this.sets.push({ segments, patterns, ofSamples: null, representatives: null })
    this.numbers.set(key, this.sets.length - 1)
    return this.sets.length - 1
  }

  segmentsOf(set: number): readonly number[] {
    return this.sets[set].segments
  }

  /** Infinite where all patterns are wanted and are too many to list. */
  countOf(set: number): number {
    const own = this.sets[set]
    if (own.patterns === null) this.patternsOfSamples(set)
    return own.patterns ?? 0
  }

  union(a: number, b: number): number {
    if (a === b || b === emptySet) return a
    if (a === emptySet) return b
    const pair = a < b ? pairOf(a, b) : pairOf(b, a)
    const known = this.unions.get(pair)
    if (known !== undefined) return known
    const segments = new Set([...this.sets[a].segments, ...this.sets[b].segments])
    const set = this.setOf([...segments].sort((x, y) => x - y))
    this.unions.set(pair, set)
    return set
  }

  includes(set: number, part: number): boolean {
    const { segments } = this.sets[set]
    return this.sets[part].segments.every((segment) => segments.includes(segment))
  }

  /** Which pattern of `to` each pattern of `from` shows; `to` is part of `from`. */
  projection(from: number, to: number): Int32Array {
    const pair = pairOf(from, to)
    const known = this.projections.get(pair)
    if (known) return known
    const count = this.countOf(from)
    const table = new Int32Array(count)
    const { segments, representatives } = this.sets[from]
    if (representatives) {
      const ofSamples = this.patternsOfSamples(to)
      for (let pattern = 0; pattern < count; pattern++) table[pattern] = ofSamples[representatives[pattern]]
    } else {
      const bits = segments.map((segment) => {
        const bit = this.sets[to].segments.indexOf(segment)
        return bit < 0 ? 0 : 1 << bit
      })
      for (let pattern = 1; pattern < count; pattern++)
        table[pattern] = table[pattern & (pattern - 1)] | bits[31 - Math.clz32(pattern & -pattern)]
    }
    this.projections.set(pair, table)
    return table
  }

  /** The pattern that each sample shows of a set. */
  patternsOfSamples(set: number): Int32Array {
    const own = this.sets[set]
    if (own.ofSamples) return own.ofSamples
    if (!this.samples) throw new RangeError('SegmentPatterns: there are no samples')
    const shown = this.bitsOfSamples(own.segments)
    if (own.patterns === null) {
      const { count, ids, firsts } = distinct(shown)
      own.patterns = count
      own.representatives = firsts
      own.ofSamples = ids
    } else own.ofSamples = shown[0] ?? new Int32Array(this.samples.count)
    return own.ofSamples
  }

  /** What each sample shows of these segments: words of 30 bits, [words][count]. */
  private bitsOfSamples(segments: readonly number[]): Int32Array[] {
    const { masks, count, segmentCount } = this.samples ?? { masks: new Uint8Array(0), count: 0, segmentCount: 0 }
    return Array.from({ length: Math.ceil(segments.length / wordBits) }, (_, word) => {
      const shown = new Int32Array(count)
      segments.slice(word * wordBits, (word + 1) * wordBits).forEach((segment, bit) => {
        for (let sample = 0, at = segment; sample < count; sample++, at += segmentCount)
          shown[sample] |= masks[at] << bit
      })
      return shown
    })
  }
}

const wordBits = 30

/** Numbers of sets fit 26 bits by far. */
function pairOf(a: number, b: number): number {
  return a * 2 ** 26 + b
}

/** Numbers equal columns of words alike, in the order in which they come up. */
function distinct(words: readonly Int32Array[]): { count: number; ids: Int32Array; firsts: Int32Array } {
  const samples = words[0].length
  let ids = new Int32Array(samples)
  let firsts: number[] = []
  for (const [index, word] of words.entries()) {
    const seen = new Map<number, number>()
    const next = new Int32Array(samples)
    firsts = []
    for (let sample = 0; sample < samples; sample++) {
      const key = index === 0 ? word[sample] : ids[sample] * 2 ** wordBits + word[sample]
      let id = seen.get(key)
      if (id === undefined) {
        id = seen.size
        seen.set(key, id)
        firsts.push(sample)
      }
      next[sample] = id
    }
    ids = next
  }
  return { count: firsts.length, ids, firsts: Int32Array.from(firsts) }
}
