import { ArgumentError } from '../../engine/errors.ts'

/**
 * Where a queue is: redis:// or, with TLS, rediss://host:port/database; Valkey's own names of the same work, too. A password comes
 * from the environment alone: every process of a machine can read the arguments of the others.
 */
export interface QueueAddress {
  readonly host: string
  readonly port: number
  readonly database: number
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
  /** For people: without user and password. */
  readonly shown: string
}

export const queueVariable = 'LIMELIGHT_QUEUE'
export const passwordVariable = 'LIMELIGHT_QUEUE_PASSWORD'

const withTls: ReadonlyMap<string, boolean> = new Map([
  ['redis:', false],
  ['valkey:', false],
  ['rediss:', true],
  ['valkeys:', true],
])

const example = 'redis://host:6379, or rediss://host:6379 with TLS'

/**
 * The queue that --queue names, else the one that the variable LIMELIGHT_QUEUE names.
 * @throws ArgumentError, which repeats nothing of an address: it may hold a password
 */
export function queueAddress(given: string | undefined, environment: NodeJS.ProcessEnv = process.env): QueueAddress {
  const url = given ?? environment[queueVariable]
  const source = given === undefined ? queueVariable : '--queue'
  if (!url)
    throw new ArgumentError(`give --queue, the address of a queue: ${example}; ${queueVariable} may hold it, too`)
  const { protocol, hostname, port, pathname, search, hash, username, password } = parsed(url, source)
  const tls = withTls.get(protocol)
  if (tls === undefined) throw new ArgumentError(`${source} must be an address such as ${example}`)
  if (given !== undefined && password !== '')
    throw new ArgumentError(
      `--queue holds a password, which every process of this machine can read: give it as ${passwordVariable}, or the whole address as ${queueVariable}`,
    )
  if (hostname === '' || search !== '' || hash !== '' || !/^\/?\d{0,4}$/.test(pathname))
    throw new ArgumentError(
      `${source} must be an address such as ${example}; a number after it (…/3) chooses a database`,
    )
  const secret = decoded(password) || environment[passwordVariable] || environment.REDIS_PASSWORD
  const user = decoded(username) || environment.LIMELIGHT_QUEUE_USERNAME
  const database = Number(pathname.slice(1))
  const place = `${hostname}:${port || 6379}`
  return {
    // URLs have addresses of IPv6 in brackets, sockets do not.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
    database,
    tls,
    ...(user && { username: user }),
    ...(secret && { password: secret }),
    shown: `${protocol}//${place}${database > 0 ? `/${database}` : ''}`,
  }
}

function parsed(url: string, source: string): URL {
  try {
    return new URL(url)
  } catch {
    throw new ArgumentError(`${source} must be an address such as ${example}`)
  }
}

/** What stands percent-encoded in a URL; as it is where it is no such encoding. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
