/** Where on the page an explanation stands: each side has one. */
export const sides = ['left', 'right'] as const
export type Side = (typeof sides)[number]
