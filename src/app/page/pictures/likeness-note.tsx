import { useEffect, useState } from 'preact/hooks'
import type { ImageSet } from '../../data/image-set.ts'
import { count } from '../number-format.ts'
import { differenceFrom, usualDifference } from './likeness.ts'
import type { Picture } from './picture.ts'

/** Somebody who draws has stopped for this long, in ms. */
const pause = 150

/** Says so where a picture is unlike all that the network knows: what it says then means little. */
export function LikenessNote({ picture, images }: { picture: Picture; images: ImageSet }) {
  const [known, setKnown] = useState<{ readonly picture: Picture; readonly difference: number } | null>(null)
  useEffect(() => {
    const timer = setTimeout(() => setKnown({ picture, difference: differenceFrom(picture.pixels, images) }), pause)
    return () => clearTimeout(timer)
  }, [picture, images])
  const isUnlike = known?.picture === picture && known.difference > usualDifference
  return (
    <p class={isUnlike ? 'warning unlike' : 'unlike'} role="status">
      {isUnlike &&
        `This is unlike the pictures the network learned from, so what it says means little. The most similar of the ${count(images.count)} test images differs from it by ${Math.round(known.difference)} of 255 grey levels; of those images 99 in 100 have another within ${usualDifference}.`}
    </p>
  )
}
