import { ArgumentError } from '../../engine/errors.ts'

/** Addresses in buckets: s3://bucket/prefix. */

export interface BucketAddress {
  readonly bucket: string
  /** Of the keys: '' or text that ends in a slash, if it is a prefix. */
  readonly key: string
}

export function isBucketAddress(text: string): boolean {
  return text.startsWith('s3://')
}

/** @throws ArgumentError for an address without a bucket */
export function bucketAddress(text: string): BucketAddress {
  const found = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text)
  if (!found) throw new ArgumentError(`${JSON.stringify(text)} is no address of a bucket; expected s3://bucket/prefix`)
  return { bucket: found[1], key: found[2] ?? '' }
}

/** The same with a key that is a prefix: a folder, in people's words. */
export function bucketPrefix(text: string): BucketAddress {
  const { bucket, key } = bucketAddress(text)
  return { bucket, key: key === '' || key.endsWith('/') ? key : `${key}/` }
}
