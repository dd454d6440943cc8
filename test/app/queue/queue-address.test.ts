import { describe, expect, it } from 'vitest'
import { queueAddress } from '../../../src/app/queue/queue-address.ts'
import { ArgumentError } from '../../../src/engine/errors.ts'

const refused = (given: string | undefined, environment: NodeJS.ProcessEnv = {}): string => {
  try {
    queueAddress(given, environment)
  } catch (error) {
    expect(error).toBeInstanceOf(ArgumentError)
    return error instanceof Error ? error.message : ''
  }
  throw new Error('it was taken')
}

describe("a queue's address", () => {
  it('says host, port and database, with and without TLS', () => {
    expect(queueAddress('redis://queue', {})).toEqual({
      host: 'queue',
      port: 6379,
      database: 0,
      tls: false,
      shown: 'redis://queue:6379',
    })
    expect(queueAddress('rediss://[::1]:6380/3', {})).toEqual({
      host: '::1',
      port: 6380,
      database: 3,
      tls: true,
      shown: 'rediss://[::1]:6380/3',
    })
    expect(queueAddress('valkeys://queue', {}).tls).toBe(true)
  })

  it('takes user and password from the environment, Limelight’s own before others, and shows neither', () => {
    const environment = {
      LIMELIGHT_QUEUE_PASSWORD: 'first',
      REDIS_PASSWORD: 'second',
      LIMELIGHT_QUEUE_USERNAME: 'worker',
    }
    const address = queueAddress('redis://queue', environment)
    expect(address).toMatchObject({ username: 'worker', password: 'first', shown: 'redis://queue:6379' })
    expect(queueAddress('redis://queue', { REDIS_PASSWORD: 'second' }).password).toBe('second')
  })

  it('takes a whole address with its password from the environment, percent-encoded as addresses are', () => {
    const address = queueAddress(undefined, { LIMELIGHT_QUEUE: 'rediss://me:p%40ss%2Fword@queue:1/2' })
    expect(address).toMatchObject({ username: 'me', password: 'p@ss/word', shown: 'rediss://queue:1/2' })
  })

  it('refuses a password among the arguments, which every process can read, without repeating it', () => {
    const message = refused('redis://me:hunter2@queue')
    expect(message).toMatch(/LIMELIGHT_QUEUE_PASSWORD/)
    expect(message).not.toMatch(/hunter2/)
  })

  it.each([
    'queue:6379',
    'http://queue',
    'redis://',
    'redis://queue/one',
    'redis://queue?password=hunter2',
    'redis://queue#a',
    'redis:\0',
    '',
  ])('refuses %j, and says what an address is like', (given) => {
    const message = refused(given)
    expect(message).toMatch(/redis:\/\/host:6379/)
    expect(message).not.toMatch(/hunter2/)
  })

  it('is asked for where there is none', () => {
    expect(refused(undefined)).toMatch(/give --queue/)
  })
})
