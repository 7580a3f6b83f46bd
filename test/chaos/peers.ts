import { connect as openSocket } from 'node:net'
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { EventSource } from 'eventsource'
import { connect } from '../../src/client/connect.ts'
import type { ConnectOptions } from '../../src/client/options.ts'
import { type Ids, type LogEvent, TYPES } from './log.ts'

/** What a client under test tells the rig. */
export interface Report {
  event(event: LogEvent): void
  /** The number of this client, for peers with several ways to listen. */
  client: number
  /** What to resume after at first; `''` for nothing. */
  after: string
  /** Never aborts; whoever listens to it must stop to when it is closed. */
  signal: AbortSignal
}

/** A client under test, as the rig sees it. */
export interface Peer {
  /** What it can bear; with `own` ids it is given a hub of ours for a server. */
  ids: Ids
  /** Connects at once, delivers to `report` and comes back for ever. Returns what ends it. */
  start(url: string, report: Report): () => void
}

/** Ours: by a listener and by iteration in turn, with times that fit a test. */
function unmissed(ids: Ids, changes: ConnectOptions = {}): Peer {
  return {
    ids,
    start(url, { event, client, after, signal }) {
      const connection = connect(url, {
        signal,
        lastEventId: after,
        retry: { base: 5, max: 60 },
        idleTimeout: SILENCE,
        connectTimeout: SILENCE,
        dedupe: true,
        highWaterMark: 8,
        ...(changes as object),
      })
      if (client % 2 === 0) connection.on(event)
      else
        void (async () => {
          for await (const each of connection) {
            event(each)
            // Sometimes behind, so that the body is left unread meanwhile.
            if (each.data.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 3))
          }
        })()
      return () => connection.close()
    },
  }
}

/** After how many milliseconds our client gives a silent link up in these runs. */
export const SILENCE = 300

/** Known to lose nothing: the rig itself is wrong where this client fails. */
const eventsource: Peer = {
  ids: 'utf8',
  start(url, report) {
    const source = new EventSource(url)
    for (const type of TYPES)
      source.addEventListener(type, (event) => report.event({ type, data: event.data, id: event.lastEventId }))
    return () => source.close()
  },
}

/** Known to lose events, because it takes an id when its line is read: the rig must see it. */
const fetchEventSourcePeer: Peer = {
  ids: 'plain',
  start(url, report) {
    const controller = new AbortController()
    // It takes every runtime for a page.
    Object.assign(globalThis, { window: globalThis, document: new EventTarget() })
    void fetchEventSource(url, {
      signal: controller.signal,
      openWhenHidden: true,
      fetch: globalThis.fetch,
      onmessage({ event, data, id }) {
        if (event || data || id) report.event({ type: event || 'message', data, id })
      },
      onclose() {
        throw new Error('ended: come back')
      },
    })
    return () => controller.abort()
  },
}

/** Right about events, and leaking with each of them: the rig must see each leak by itself. */
function leaking(leak: (kept: unknown[], url: string) => void): Peer {
  const kept: unknown[] = []
  return {
    ids: 'utf8',
    start(url, report) {
      const source = new EventSource(url)
      for (const type of TYPES)
        source.addEventListener(type, (event) => report.event({ type, data: event.data, id: event.lastEventId }))
      source.addEventListener('error', () => leak(kept, url))
      return () => source.close()
    },
  }
}

export const peers = {
  unmissed: unmissed('utf8'),
  'unmissed-wild': unmissed('wild'),
  // The hub announces that its ids are unique.
  'unmissed-hub': unmissed('own', { dedupe: undefined }),
  'unmissed-stubborn': unmissed('utf8', { retry: ({ delay }) => Math.min(delay, 60) }),
  eventsource,
  'fetch-event-source': fetchEventSourcePeer,
  'leaking-memory': leaking((kept) => kept.push(new Array(512).fill(Math.random()))),
  'leaking-timers': leaking((kept) => kept.push(setTimeout(() => undefined, 600_000))),
  'leaking-sockets': leaking((kept, url) => {
    const socket = openSocket(Number(new URL(url).port)).on('error', () => undefined)
    socket.write('GET')
    kept.push(socket)
  }),
  'leaking-rejections': leaking(() => void Promise.reject(new Error('nobody listens'))),
} satisfies Record<string, Peer>

export type PeerName = keyof typeof peers
