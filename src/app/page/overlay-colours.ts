/**
 * Green for, magenta against: the ends of ColorBrewer's PiYG, which people with any of the common colour blindnesses tell
 * apart. The style sheet has the same two as --for and --against of the legend.
 */
export const forColour = [0x4d, 0xac, 0x26] as const
export const againstColour = [0xd0, 0x1c, 0x8b] as const

/** How much of a pixel the colour of the largest weight takes. */
const strongest = 0.8

/**
 * A pixel's colour: its grey, tinted the more the larger its segment's share of the largest weight is.
 * @param grey 0 to 255
 * @param share weight / largest |weight|, -1 to 1
 */
export function tinted(grey: number, share: number): [number, number, number] {
  const colour = share < 0 ? againstColour : forColour
  const amount = Math.abs(share) * strongest
  // The tint keeps some of the picture's own light, so that the clothes stay visible in it.
  const light = 0.65 + (0.35 * grey) / 255
  const mix = (c: number) => Math.round(grey * (1 - amount) + colour[c] * light * amount)
  return [mix(0), mix(1), mix(2)]
}
