import type { Extent, Point } from './lines.ts'
import { share } from './pointing.ts'

/** Where a brush would touch the picture it lies on. */
export function BrushRing({ at, diameter, extent }: { at: Point; diameter: number; extent: Extent }) {
  return (
    <span
      class="pad-brush"
      aria-hidden="true"
      style={{
        left: share(at.x, extent.width),
        top: share(at.y, extent.height),
        width: share(diameter, extent.width),
        height: share(diameter, extent.height),
      }}
    />
  )
}
