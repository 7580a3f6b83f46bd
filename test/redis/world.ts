import type { IncomingMessage } from 'node:http'
import { afterAll, afterEach, beforeAll, test } from 'vitest'
import { type ConnectOptions, connect } from '../../src/index.ts'
import type { Log } from '../../src/log/log.ts'
import { logCases } from '../../src/log/suite.ts'
import { connectionOf } from '../../src/redis/client.ts'
import { redisLogs } from '../../src/redis/redis.ts'
import { createHub, type HubOptions, type Subscription } from '../../src/server/index.ts'
import { serve } from '../helpers/serve.ts'
import { CLIENTS, type Connected } from './clients.ts'

// What the tests of several processes on one Redis are made of.

/** A machine that does other things as well needs its time; what is wrong stays wrong. */
export const PATIENT = { timeout: 20_000 }

/** Runs from before the tests around it until after them. */
export function during<Running extends { stop(): unknown }>(start: () => Promise<Running>): () => Running {
  let running: Running
  beforeAll(async () => {
    running = await start()
  }, 60_000)
  afterAll(() => running.stop())
  return () => running
}

/** What is done after each test, the last first. */
export function undoing(): (() => unknown)[] {
  const undo: (() => unknown)[] = []
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })
  return undo
}

/** A client of a kind. */
export function connected(kind: string, port: number): Promise<Connected> {
  return (CLIENTS[kind] as (port: number) => Promise<Connected>)(port)
}

export interface ProcessOptions extends HubOptions {
  /** What a reader is subscribed to. */
  readonly subscription?: (request: IncomingMessage) => Subscription
}

/** A hub with a client of its own, behind a server, as a process would have it. */
export async function startProcess(
  { client, leave: disconnect }: Connected,
  name: string | readonly string[],
  options: ProcessOptions = {},
) {
  const { subscription, ...hubOptions } = options
  const errors: unknown[] = []
  const onError = (error: unknown): void => void errors.push(error)
  const logs = redisLogs(client, { onError })
  const names = typeof name === 'string' ? [name] : name
  const opened = names.map((one) => logs.open(one))
  const log = opened[0] as Log
  const hub = createHub({ log: opened.length > 1 ? opened : log, onError, ...hubOptions })
  const { url } = await serve((request, response) => void hub.handle(request, response, subscription?.(request)))
  const { send } = connectionOf(client, () => {})
  /** Closes what is ours, and leaves the client. */
  const close = async () => {
    await hub.close({ within: 0 })
    logs.close()
  }
  const leave = async () => {
    await close()
    await disconnect()
  }
  return { hub, url, log, errors, close, leave, send: (...args: string[]) => send('', ...args) }
}

/** A reader, and all that it is told. */
export function startReader(undo: (() => unknown)[], url: string, options: ConnectOptions = {}) {
  const heard: string[] = []
  const gaps: string[] = []
  const states: string[] = []
  const failed: number[] = []
  const connection = connect(url, {
    onGap: ({ asked }) => gaps.push(asked),
    onState: ({ state }) => states.push(state),
    onError: ({ status }) => failed.push(status ?? 0),
    ...options,
  })
  connection.on(({ data }) => heard.push(String(data)))
  undo.push(connection.close)
  return { connection, heard, gaps, states, failed, opened: connection.opened }
}

/** The rules of a log as tests, each handle of one of two processes. `lose` has Redis lose all. */
export function testLog(connectTo: () => Promise<Connected>, lose: (one: Connected) => Promise<void>): void {
  const all: { close(): unknown }[] = []
  let clients: Connected[]
  beforeAll(async () => {
    clients = [await connectTo(), await connectTo()]
  })
  afterAll(async () => {
    for (const logs of all) logs.close()
    for (const { leave } of clients) await leave()
  })
  const cases = logCases(({ keep }) => {
    // Each case has keys of its own.
    const prefix = `case ${tested++}:`
    const logs = clients.map(({ client }) => redisLogs(client, { prefix }))
    all.push(...logs)
    let opened = 0
    return {
      open: (name) => (logs[opened++ % 2] as (typeof logs)[0]).open(name, { count: keep }),
      lose: () => lose(clients[0] as Connected),
    }
  })
  for (const { name, run } of cases) test(name, run)
}

let tested = 0
