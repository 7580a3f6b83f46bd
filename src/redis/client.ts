import { UnmissedError } from '../protocol/errors.ts'

/** A client of ioredis, as far as it is used: of one server, of a Sentinel's, or of a Cluster. */
export interface IoRedisClient {
  readonly isCluster?: boolean
  call(command: string, ...args: string[]): Promise<unknown>
  duplicate(...options: never[]): IoRedisClient
  disconnect(...options: never[]): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** A client of node-redis, as far as it is used: of one server, of a Sentinel's, or of a Cluster. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  // biome-ignore lint/suspicious/noExplicitAny: of one server (args), of a Sentinel's (isReadonly, args), of a Cluster (key, isReadonly, args)
  sendCommand(...args: any[]): Promise<unknown>
  duplicate?(...options: never[]): NodeRedisClient
  connect(): Promise<unknown>
  disconnect?(): unknown
  destroy?(): unknown
  // biome-ignore lint/suspicious/noExplicitAny: each of its majors has another type
  on(event: any, listener: (...args: any[]) => void): unknown
}

/** A client that the user brings: ioredis 5 and 6, node-redis 4, 5 and 6. */
export type RedisClient = IoRedisClient | NodeRedisClient

/** One connection to Redis, whoever's client it is. */
export interface Connection {
  /** Whether there are several servers, each with some of the keys. */
  readonly isCluster: boolean
  /** Sends one command to the server that has this key; what is sent in one turn goes out together. */
  send(key: string, ...args: string[]): Promise<unknown>
  /** Another connection like it, which is ours to close. */
  duplicate(): Connection
  /** Lets go of a client that is somebody else's. */
  leave(): void
  /** Cuts it off, with whatever it waits for. */
  close(): void
}

/**
 * The connection of a client. Throws for what is none. `onError` hears what the client has to say: without a listener an
 * error of node-redis ends the process, or the client, which connects no more.
 */
export function connectionOf(client: RedisClient, onError: (error: unknown) => void): Connection {
  // ioredis has a `sendCommand` as well, of another kind.
  if (typeof (client as Partial<IoRedisClient>)?.call === 'function') {
    return ofIoRedis(client as IoRedisClient, onError)
  }
  const { sendCommand, isOpen, duplicate } = Object(client) as Partial<NodeRedisClient>
  if (typeof sendCommand !== 'function' || isOpen === undefined) {
    throw new UnmissedError('invalid-option', 'redisLogs needs a client of ioredis or of node-redis')
  }
  if (typeof duplicate !== 'function') {
    throw new UnmissedError(
      'invalid-option',
      'this client has no duplicate(), and following takes a connection of its own: a Sentinel of node-redis needs version 6',
    )
  }
  return ofNodeRedis(client as NodeRedisClient, onError)
}

/** What our own connections say, the commands say that fail by it. */
const unheard = (): void => {}

/** Who hears of a client's errors: one listener for all logs on it. */
const hearers = new WeakMap<object, Set<(error: unknown) => void>>()

function hear(client: RedisClient, onError: (error: unknown) => void): () => void {
  let all = hearers.get(client)
  if (!all) {
    const hearing = new Set([onError])
    all = hearing
    hearers.set(client, all)
    client.on('error', (error: unknown) => {
      for (const each of hearing) each(error)
    })
  }
  all.add(onError)
  return () => void all.delete(onError)
}

function ofIoRedis(client: IoRedisClient, onError: (error: unknown) => void): Connection {
  const leave = hear(client, onError)
  return {
    leave,
    isCluster: client.isCluster === true,
    // It finds the server by itself: it knows where a command has its keys.
    send: (_key, command = '', ...args) => client.call(command, ...args),
    duplicate: () => ofIoRedis(patient(client), unheard),
    close: () => void client.disconnect(),
  }
}

/** Another client like it, which may wait: for its connection, and as long as a blocking read does. */
function patient(client: IoRedisClient): IoRedisClient {
  const twin = client.duplicate.bind(client) as unknown as (...options: unknown[]) => IoRedisClient
  const waits = { enableOfflineQueue: true, commandTimeout: undefined }
  if (!client.isCluster) return twin(waits)
  const { redisOptions } = Object((client as { options?: unknown }).options)
  return twin([], { enableOfflineQueue: true, redisOptions: { ...redisOptions, ...waits } })
}

function ofNodeRedis(client: NodeRedisClient, onError: (error: unknown) => void, ready?: Promise<unknown>): Connection {
  const leave = hear(client, onError)
  const kind = Object(client)
  const isCluster = 'nodeClient' in kind
  const isSentinel = 'acquire' in kind
  const send = (key: string, args: string[]): Promise<unknown> => {
    if (isCluster) return client.sendCommand(key, false, args)
    return isSentinel ? client.sendCommand(false, args) : client.sendCommand(args)
  }
  return {
    leave,
    isCluster,
    send: ready ? (key, ...args) => ready.then(() => send(key, args)) : (key, ...args) => send(key, args),
    duplicate() {
      const twin = (client.duplicate as () => NodeRedisClient)()
      const connected = Promise.resolve().then(() => twin.connect())
      connected.catch(unheard)
      return ofNodeRedis(twin, unheard, connected)
    },
    close() {
      // Version 4 has no `destroy`. One that is closed already throws, or rejects, and nobody waits for that.
      Promise.resolve()
        .then(() => (client.destroy ? client.destroy() : client.disconnect?.()))
        .catch(unheard)
    },
  }
}
