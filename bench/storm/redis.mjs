import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'

/** A Redis of the storm's own, with a log of appends. */
export async function startRedis(folder, { hosts = ['127.0.0.1'], password, program = 'redis-server' } = {}) {
  const data = join(folder, 'redis')
  const port = await freePort()
  let child
  const redis = {
    port,
    async start() {
      mkdirSync(data, { recursive: true })
      const words = ['--port', port, '--bind', ...hosts, '--dir', data, '--save', '', '--appendonly', 'yes']
      child = spawn(program, [...words.map(String), ...(password ? ['--requirepass', password] : [])], {
        stdio: 'ignore',
      })
      for (;;) {
        if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`)
        const socket = connect(port, '127.0.0.1').on('error', () => {})
        const isUp = await Promise.race([once(socket, 'connect').then(() => true), after(200, false)]).catch(
          () => false,
        )
        socket.destroy()
        if (isUp) return
      }
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
    /** While it is killed: what it knew. */
    forget() {
      rmSync(data, { recursive: true, force: true })
    },
    get pid() {
      return child.pid
    },
  }
  await redis.start()
  return redis
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
