/**
 * Types that the platform's own libraries declare, or Node's: taken from there where a program has them, and else as far as they
 * are needed, so that it need not compile with the browser's types to use ours.
 */

export type AbortSignal = typeof globalThis extends { readonly AbortSignal: { readonly prototype: infer Signal } }
  ? Signal
  : MinimalAbortSignal

interface MinimalAbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export type URL = typeof globalThis extends { readonly URL: { readonly prototype: infer Url } } ? Url : MinimalUrl

interface MinimalUrl {
  readonly href: string
}
