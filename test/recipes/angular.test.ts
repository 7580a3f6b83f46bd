// @vitest-environment jsdom
import '@angular/compiler'
import { createServer, type Server } from 'node:http'
import {
  Component,
  enableProdMode,
  PLATFORM_ID,
  type Provider,
  provideZonelessChangeDetection,
  type Signal,
  signal,
} from '@angular/core'
import { bootstrapApplication } from '@angular/platform-browser'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createHub, type Hub } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { eventStream } from './angular.ts'

let hub: Hub
let server: Server
let url: string
const undo: (() => void)[] = []

beforeEach(async () => {
  hub = createHub({ retry: 10 })
  server = createServer((request, response) => {
    const topic = new URL(request.url ?? '/', 'http://hub').pathname
    return topic === '/gone' ? response.writeHead(410).end() : hub.handle(request, response, { topics: [topic] })
  })
  url = `http://127.0.0.1:${await listen(server)}/`
})
afterEach(async () => {
  leave()
  await expect.poll(() => hub.size).toBe(0)
  await hub.close()
  await shut(server)
})

enableProdMode()

/** An application of one component, in the page. */
async function show(topic: Signal<string | undefined>, providers: Provider[] = []) {
  const host = document.body.appendChild(document.createElement('app-root'))
  class App {
    readonly stream = eventStream(
      () => topic() && `${url}${topic()}`,
      [] as number[],
      (numbers, { data }) => [...numbers, data],
      { parse: Number, retry: { base: 10, longest: 20 } },
    )
  }
  const template =
    '{{ stream.connection()?.state ?? "off" }} {{ stream.value().join() }} {{ stream.connection()?.error?.code }}'
  Component({ selector: 'app-root', template, providers })(App)
  const application = await bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] })
  undo.push(() => {
    application.destroy()
    host.remove()
  })
  return (text: string) => expect.poll(() => host.textContent?.trim()).toBe(text)
}
function leave() {
  for (const step of undo.splice(0)) step()
}
const publish = async (topic: string, ...numbers: number[]) => {
  for (const data of numbers) await hub.publish({ data }, { topic: `/${topic}` })
}

it('shows all events over a cut, and leaves with its component', async () => {
  const says = await show(signal('a'))
  await says('open')
  await publish('a', 0, 1, 2)
  await says('open 0,1,2')
  hub.disconnect('everyone', { now: true })
  await publish('a', 3, 4)
  await says('open 0,1,2,3,4')
  leave()
  await expect.poll(() => hub.size).toBe(0)
})

it('follows the signals of its address, from the beginning again, and none is no connection', async () => {
  const topic = signal<string | undefined>(undefined)
  const says = await show(topic)
  await says('off')
  topic.set('a')
  await says('open')
  await publish('a', 1)
  await says('open 1')
  topic.set('b')
  await says('open')
  await publish('a', 2)
  await publish('b', 3)
  await says('open 3')
  expect(hub.size).toBe(1)
  topic.set(undefined)
  await says('off')
})

it('shows what is final', async () => {
  const says = await show(signal('gone'))
  await says('closed  status')
})

it('connects to nothing on a server', async () => {
  const says = await show(signal('a'), [{ provide: PLATFORM_ID, useValue: 'server' }])
  await says('off')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(hub.size).toBe(0)
})
