import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * A way to the queue that can be cut: as root under Linux a network namespace with a link of its own, elsewhere a proxy that holds back
 * what goes through it.
 */
export async function openLink() {
  try {
    return namespaceLink()
  } catch {
    return proxyLink()
  }
}

function namespaceLink() {
  const name = `limelight${process.pid % 100_000}`
  const [near, far] = [`ll${process.pid % 100_000}a`, `ll${process.pid % 100_000}b`]
  const net = `10.${200 + (process.pid % 50)}.${process.pid % 250}`
  const ip = (...words) => execFileSync('ip', words, { stdio: 'ignore' })
  ip('netns', 'add', name)
  try {
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far)
    ip('link', 'set', far, 'netns', name)
    ip('addr', 'add', `${net}.1/24`, 'dev', near)
    ip('link', 'set', near, 'up')
    ip('-n', name, 'addr', 'add', `${net}.2/24`, 'dev', far)
    ip('-n', name, 'link', 'set', far, 'up')
    ip('-n', name, 'link', 'set', 'lo', 'up')
  } catch (error) {
    ip('netns', 'del', name)
    throw error
  }
  return {
    hosts: ['127.0.0.1', `${net}.1`],
    to: async (port) => ({
      command: ['ip', 'netns', 'exec', name, process.execPath],
      address: `redis://${net}.1:${port}`,
      cut: () => ip('link', 'set', near, 'down'),
      mend: () => ip('link', 'set', near, 'up'),
    }),
    close: () => ip('netns', 'del', name),
  }
}

function proxyLink() {
  const sockets = new Set()
  let isCut = false
  let server
  return {
    hosts: ['127.0.0.1'],
    async to(port) {
      server = createServer((socket) => {
        const onward = connect(port, '127.0.0.1')
        socket.pipe(onward).pipe(socket)
        for (const [one, other] of [
          [socket, onward],
          [onward, socket],
        ]) {
          sockets.add(one)
          one.on('error', () => other.destroy())
          one.on('close', () => {
            sockets.delete(one)
            other.destroy()
          })
          if (isCut) one.pause()
        }
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return {
        command: [process.execPath],
        address: `redis://127.0.0.1:${server.address().port}`,
        cut() {
          isCut = true
          for (const socket of sockets) socket.pause()
        },
        mend() {
          isCut = false
          for (const socket of sockets) socket.resume()
        },
      }
    },
    close() {
      server?.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
