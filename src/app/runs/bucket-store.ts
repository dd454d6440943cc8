import { type Bucket, openBucket } from './bucket.ts'
import { bucketPrefix } from './bucket-address.ts'
import type { Store, StoredFile } from './store.ts'

/** Files under a prefix of a bucket. */
export async function openBucketStore(address: string): Promise<Store> {
  const { bucket, key } = bucketPrefix(address)
  return new BucketStore(`s3://${bucket}/${key}`, await openBucket(bucket), key)
}

class BucketStore implements Store {
  constructor(
    readonly address: string,
    private readonly bucket: Bucket,
    private readonly prefix: string,
  ) {}

  publish(name: string, content: Uint8Array): Promise<boolean> {
    return this.bucket.putOnce(this.prefix + name, content)
  }

  async open(name: string): Promise<StoredFile | null> {
    const key = this.prefix + name
    const found = await this.bucket.head(key)
    if (!found) return null
    const { size } = found
    return { byteLength: size, slice: (start, end = size) => this.bucket.part(key, start, end) }
  }

  async list(beginning: string): Promise<string[]> {
    const names: string[] = []
    for await (const { key } of this.bucket.list(this.prefix + beginning)) names.push(key.slice(this.prefix.length))
    return names
  }

  /** What a killed writer had sent of an object is the server's to forget. */
  async tidy(): Promise<void> {}
}
