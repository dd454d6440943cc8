import * as v from 'valibot'
import { finiteNumber, oneOf } from '../../engine/arguments.ts'
import { Attribution, contentsOn, type ShownPicture } from './attribution.ts'
import { type AttributionJson, attributionFromJson, attributionToJson, byLabel, must } from './attribution-json.ts'
import type { ByLabel, ShapleyContents } from './contents.ts'

const evidenceSchema = v.object({
  of: oneOf('probability', 'logit'),
  base: byLabel(finiteNumber),
  score: v.nullable(byLabel(finiteNumber)),
})

/** An attribution whose weights are Shapley values: with the base they add up to what the image gives a label. */
export class ShapleyAttribution extends Attribution {
  /** What is shared out among the segments: a label's probability, or its logit. */
  readonly of: 'probability' | 'logit'
  /** label -> what it gets with all segments hidden. */
  readonly base: ByLabel<number>
  /**
   * label -> how much of the answers about mixtures a sum of the values explains: the R² weighted by the Shapley kernel, 0 where
   * nothing varied. null for logits, which come in closed form.
   */
  readonly score: ByLabel<number> | null

  constructor(private readonly contents: ShapleyContents) {
    super(contents)
    this.of = contents.of
    this.base = contents.base
    this.score = contents.score
  }

  /** The base and all values: what the image gives the label. @throws ArgumentError for a label that was not explained */
  sumOf(label: number): number {
    return this.weightsOf(label).reduce((sum, [, value]) => sum + value, this.base[label])
  }

  override shownOn(picture: ShownPicture): ShapleyAttribution {
    return new ShapleyAttribution({ ...this.contents, ...contentsOn(picture) })
  }

  override toJSON(): AttributionJson {
    const { of, base, score } = this
    return attributionToJson(this.contents, { of, base, score })
  }

  /** @param json what toJSON() gave. @throws FormatError for anything else, with the path of what is wrong */
  static fromJSON(json: unknown): ShapleyAttribution {
    const { contents, evidence } = attributionFromJson(json, evidenceSchema)
    must(contents.method === 'shapley', `method is "${contents.method}"`, '"shapley"')
    for (const label of contents.labels)
      must(
        Object.hasOwn(evidence.base, label) && (evidence.score === null || Object.hasOwn(evidence.score, label)),
        `evidence has no ${label}`,
        'every label explained',
      )
    return new ShapleyAttribution({ ...contents, ...evidence })
  }
}
