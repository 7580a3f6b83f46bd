import { UnmissedError } from '../protocol/errors.ts'

/** A client of ioredis, as far as it is used. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>
  duplicate(...options: never[]): IoRedisClient
  disconnect(...options: never[]): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** A client of node-redis, as far as it is used. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  sendCommand(args: string[]): Promise<unknown>
  duplicate(...options: never[]): NodeRedisClient
  connect(): Promise<unknown>
  disconnect?(): unknown
  destroy?(): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** A client that the user brings: ioredis 5 and 6, node-redis 4, 5 and 6. */
export type RedisClient = IoRedisClient | NodeRedisClient

/** One connection to Redis, whoever's client it is. */
export interface Connection {
  /** Sends one command; what is sent in one turn goes out together. */
  send(...args: string[]): Promise<unknown>
  /** Another connection like it, which is ours to close. */
  duplicate(onError: (error: unknown) => void): Promise<Connection>
  /** Cuts it off, with whatever it waits for. */
  close(): void
}

/** The connection of a client. Throws for what is none. */
export function connectionOf(client: RedisClient): Connection {
  // ioredis has a `sendCommand` as well, of another kind.
  if (typeof (client as Partial<IoRedisClient>)?.call === 'function') return ofIoRedis(client as IoRedisClient)
  const { sendCommand, isOpen } = Object(client) as Partial<NodeRedisClient>
  if (typeof sendCommand === 'function' && isOpen !== undefined) return ofNodeRedis(client as NodeRedisClient)
  throw new UnmissedError('invalid-option', 'redisLogs needs a client of ioredis or of node-redis')
}

function ofIoRedis(client: IoRedisClient): Connection {
  return {
    send: (command = '', ...args) => client.call(command, ...args),
    async duplicate(onError) {
      const twin = client.duplicate()
      // Without a listener an error ends the process.
      twin.on('error', onError)
      return ofIoRedis(twin)
    },
    close: () => void client.disconnect(),
  }
}

function ofNodeRedis(client: NodeRedisClient): Connection {
  return {
    send: (...args) => client.sendCommand(args),
    async duplicate(onError) {
      const twin = client.duplicate()
      twin.on('error', onError)
      await twin.connect()
      return ofNodeRedis(twin)
    },
    close() {
      // Version 4 has no `destroy`. One that is closed already throws, or rejects, and nobody waits for that.
      Promise.resolve()
        .then(() => (client.destroy ? client.destroy() : client.disconnect?.()))
        .catch(() => {})
    },
  }
}
