import { readdir, readFile, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { LimelightError } from '../../engine/errors.ts'
import { UnexplainedPicture } from '../batch/unexplained-picture.ts'
import { type Bucket, meetsAllObjects, openBucket } from './bucket.ts'
import { bucketPrefix, isBucketAddress } from './bucket-address.ts'
import { ImageReadError, StoreError } from './errors.ts'
import type { ObjectCache } from './object-cache.ts'

/** Reads the files of a run's images. */
export interface ImageSource {
  /**
   * @throws UnexplainedPicture for a file that is missing, or is not where it may be; ImageReadError where it can't be read, which is
   *   nothing that the picture could help; StoreError where none can be
   */
  read(image: ImageFile): Promise<Uint8Array>
}

interface ImageFile {
  readonly path: string
  readonly size?: number
}

/**
 * @param root a folder, or s3://bucket/prefix/
 * @param run its name: for one run an object of the cache is what it was
 */
export async function openImageSource(root: string, run: string, cache: ObjectCache): Promise<ImageSource> {
  const source = isBucketAddress(root) ? await bucketSource(root, run, cache) : folderSource(root)
  return {
    async read(image) {
      const bytes = await source.read(image)
      if (image.size !== undefined && bytes.length !== image.size)
        throw new UnexplainedPicture(
          new LimelightError(
            `the file was changed: it had ${image.size} bytes when the run was planned, and has ${bytes.length}`,
          ),
        )
      return bytes
    },
  }
}

/** Of an image whose file is missing. */
export const noSuchFile = 'there is no such file'

/** Whether where images were is an empty folder, or none: so looks one that is not mounted. */
export async function isUnmounted(root: string): Promise<boolean> {
  if (isBucketAddress(root)) return false
  return (await readdir(root).catch(() => [])).length === 0
}

/** What is a file's own fault, by the system's codes; any other is the disk's, or the network's. */
const unreadable: Readonly<Record<string, string>> = {
  ENOENT: noSuchFile,
  ENOTDIR: noSuchFile,
  ENAMETOOLONG: noSuchFile,
  ELOOP: 'its symbolic links go round in a circle',
  EISDIR: 'it is a folder',
  ERR_FS_FILE_TOO_LARGE: 'the file is larger than 2 GiB',
}

function folderSource(root: string): ImageSource {
  return {
    async read({ path }) {
      const folder = await realpath(root).catch((cause: Error) => {
        throw new StoreError(`the folder of the images, ${root}, can't be read: ${cause.message}`, { cause })
      })
      const file = await realpath(join(folder, path)).catch((cause: NodeJS.ErrnoException) => {
        throw failure(join(root, path), cause)
      })
      // A link may lead anywhere.
      if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep))
        throw new UnexplainedPicture(new LimelightError(`it is a link that leads out of the run's folder of images`))
      return readFile(file).catch((cause: NodeJS.ErrnoException) => {
        throw failure(join(root, path), cause)
      })
    },
  }
}

function failure(path: string, cause: NodeJS.ErrnoException): Error {
  const reason = unreadable[cause.code ?? '']
  // Without the path, which is another on another machine.
  return reason
    ? new UnexplainedPicture(new LimelightError(reason, { cause }))
    : new ImageReadError(`${path} can't be read: ${cause.message}`, { cause })
}

async function bucketSource(root: string, run: string, cache: ObjectCache): Promise<ImageSource> {
  const { bucket: name, key: prefix } = bucketPrefix(root)
  const bucket = await openBucket(name)
  return {
    async read({ path }) {
      const bytes = await cache.get(`${run} s3://${name}/${prefix}${path}`, () => objectOf(bucket, prefix + path))
      if (!bytes) throw new UnexplainedPicture(new LimelightError(noSuchFile))
      return bytes
    },
  }
}

function objectOf(bucket: Bucket, key: string): Promise<Uint8Array | null> {
  return bucket.whole(key).catch((cause: unknown) => {
    throw cause instanceof StoreError && !meetsAllObjects(cause) ? new ImageReadError(cause.message, { cause }) : cause
  })
}
