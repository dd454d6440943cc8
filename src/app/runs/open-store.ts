import { isBucketAddress } from './bucket-address.ts'
import { FolderStore } from './folder-store.ts'
import type { Store } from './store.ts'

/** Opens a folder, which need not be there yet, or s3://bucket/prefix. @throws ArgumentError, LimelightError */
export async function openStore(address: string): Promise<Store> {
  if (!isBucketAddress(address)) return new FolderStore(address)
  const { openBucketStore } = await import('./bucket-store.ts')
  return openBucketStore(address)
}
