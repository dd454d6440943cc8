import type { S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { LimelightError } from '../../engine/errors.ts'
import { StoreError } from './errors.ts'

/**
 * A bucket of S3, or of what speaks its protocol (AWS_ENDPOINT_URL_S3 names another server). The SDK's usual chain finds the credentials
 * and the region; they are never shown.
 */

type Sdk = typeof import('@aws-sdk/client-s3')

/** Loaded when a bucket is named: most people have none, and need no SDK. @throws LimelightError where it is not installed */
async function sdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (cause) {
    throw new LimelightError('s3:// needs the package @aws-sdk/client-s3: npm install @aws-sdk/client-s3', { cause })
  }
}

export interface BucketObject {
  readonly key: string
  /** In bytes. */
  readonly size: number
  /** Another content has another. */
  readonly tag: string
}

export async function openBucket(name: string): Promise<Bucket> {
  const loaded = await sdk()
  const ownServer = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL
  // Servers of one's own seldom have a name for each bucket, nor a region.
  const client = new loaded.S3Client({
    ...(ownServer !== undefined && { forcePathStyle: true, region: process.env.AWS_REGION ?? 'us-east-1' }),
  })
  return new Bucket(name, client, loaded)
}

/** Attempts at a write that others make at the same time, of which the server lets none through. */
const mostConflicts = 10

/** Attempts at an object whose bytes break off, or are not those of its checksum. */
const mostReads = 3

export class Bucket {
  constructor(
    readonly name: string,
    private readonly client: S3Client,
    private readonly sdk: Sdk,
  ) {}

  /**
   * Writes an object unless there is one under its key, by a conditional PUT (If-None-Match: *).
   * @returns whether this call did
   */
  async putOnce(key: string, content: Uint8Array): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.client.send(
          new this.sdk.PutObjectCommand({ Bucket: this.name, Key: key, Body: content, IfNoneMatch: '*' }),
        )
        return true
      } catch (error) {
        const status = this.statusOf(error)
        if (status === 412) return false
        if (status === 409 && attempt < mostConflicts) continue
        throw this.failure('write', key, error)
      }
    }
  }

  /** null where there is none. */
  async head(key: string): Promise<BucketObject | null> {
    try {
      const { ContentLength = 0, ETag = '' } = await this.client.send(
        new this.sdk.HeadObjectCommand({ Bucket: this.name, Key: key }),
      )
      return { key, size: ContentLength, tag: ETag }
    } catch (error) {
      if (this.statusOf(error) === 404) return null
      throw this.failure('read', key, error)
    }
  }

  /** A whole object; null where there is none. The SDK compares its checksum. */
  async whole(key: string): Promise<Uint8Array | null> {
    for (let attempt = 1; ; attempt++) {
      let isAnswered = false
      try {
        const { Body } = await this.client.send(new this.sdk.GetObjectCommand({ Bucket: this.name, Key: key }))
        isAnswered = true
        return (await Body?.transformToByteArray()) ?? new Uint8Array(0)
      } catch (error) {
        // The SDK asks again where no answer came, and not where one broke off.
        if (isAnswered && attempt < mostReads) continue
        if (this.statusOf(error) === 404 && !isNoBucket(error)) return null
        throw this.failure('read', key, error)
      }
    }
  }

  /** Bytes from start to end - 1. */
  async part(key: string, start: number, end: number): Promise<ArrayBuffer> {
    if (end <= start) return new ArrayBuffer(0)
    try {
      const { Body } = await this.client.send(
        new this.sdk.GetObjectCommand({ Bucket: this.name, Key: key, Range: `bytes=${start}-${end - 1}` }),
      )
      const bytes = await Body?.transformToByteArray()
      if (bytes?.length !== end - start) throw new Error(`${bytes?.length ?? 0} bytes came of ${end - start}`)
      return Uint8Array.from(bytes).buffer
    } catch (error) {
      throw this.failure('read', key, error)
    }
  }

  /** Objects whose keys begin so, in the order of their keys. */
  async *list(prefix: string): AsyncGenerator<BucketObject> {
    try {
      const pages = this.sdk.paginateListObjectsV2({ client: this.client }, { Bucket: this.name, Prefix: prefix })
      for await (const { Contents = [] } of pages)
        for (const { Key, Size = 0, ETag = '' } of Contents)
          if (Key !== undefined) yield { key: Key, size: Size, tag: ETag }
    } catch (error) {
      throw this.failure('list', prefix, error)
    }
  }

  private statusOf(error: unknown): number | undefined {
    return error instanceof this.sdk.S3ServiceException ? error.$metadata.httpStatusCode : undefined
  }

  private failure(work: 'read' | 'write' | 'list', key: string, cause: unknown): StoreError {
    return new StoreError(`can't ${work} s3://${this.name}/${key}: ${reasonOf(cause)}`, { cause })
  }
}

/** Whether what was refused of one object would be of all: by the credentials, not for the object's sake. */
export function meetsAllObjects({ cause }: StoreError): boolean {
  return cause instanceof Error && cause.name !== 'AccessDenied' && cause.name in reasons
}

function isNoBucket(error: unknown): boolean {
  return error instanceof Error && error.name === 'NoSuchBucket'
}

const reasons: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket',
  AccessDenied: 'the bucket refuses it: these credentials have no right to',
  InvalidAccessKeyId: 'the bucket does not know these credentials',
  SignatureDoesNotMatch: 'the secret key is wrong',
  ExpiredToken: 'the credentials have expired',
  CredentialsProviderError:
    'there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or run where a role gives some',
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { $metadata } = error as Partial<S3ServiceException>
  const answered = $metadata?.httpStatusCode ? ` (the server answers ${$metadata.httpStatusCode})` : ''
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return `${reasons[error.name] ?? (error.message || code || error.name)}${answered}`
}
