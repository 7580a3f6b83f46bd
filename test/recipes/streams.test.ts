import { createServer, type Server } from 'node:http'
import { SpanStatusCode } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { Effect, Stream } from 'effect'
import { firstValueFrom, map, take, toArray } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/index.ts'
import { createHub, type Hub } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { streamOf } from './effect.ts'
import { measured, traced } from './opentelemetry.ts'
import { fromEvents } from './rxjs.ts'

let hub: Hub
let server: Server
let url: string

beforeEach(async () => {
  hub = createHub({ retry: 10 })
  server = createServer((request, response) => {
    if (request.url === '/gone') response.writeHead(410).end()
    else hub.handle(request, response)
  })
  url = `http://127.0.0.1:${await listen(server)}/`
})
afterEach(async () => {
  await hub.close()
  await shut(server)
})

async function publish(from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) await hub.publish({ data: n })
}
const thereAre = (count: number) => expect.poll(() => hub.size).toBe(count)

describe('RxJS', () => {
  it('hears all events over a cut, and leaves when it has enough', async () => {
    const numbers = firstValueFrom(
      fromEvents(url, { parse: (data) => Number(data), retry: { base: 10, longest: 20 } }).pipe(
        map(({ data }) => data),
        take(6),
        toArray(),
      ),
    )
    await thereAre(1)
    await publish(0, 3)
    hub.disconnect('everyone', { now: true })
    await publish(3, 6)
    expect(await numbers).toEqual([0, 1, 2, 3, 4, 5])
    await thereAre(0)
  })

  it('connects when it is subscribed to, each by itself, and fails with what is final', async () => {
    const events = fromEvents(url)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(hub.size).toBe(0)
    const [one, two] = [events.subscribe(), events.subscribe()]
    await thereAre(2)
    one.unsubscribe()
    two.unsubscribe()
    await thereAre(0)
    await expect(firstValueFrom(fromEvents(`${url}gone`))).rejects.toMatchObject({ code: 'status', status: 410 })
  })
})

describe('Effect', () => {
  it('hears all events over a cut, and leaves when it has enough', async () => {
    const running = Effect.runPromise(
      streamOf(url, { retry: { base: 10, longest: 20 } }).pipe(
        Stream.map(({ data }) => Number(data)),
        Stream.take(6),
        Stream.runCollect,
      ),
    )
    await thereAre(1)
    await publish(0, 3)
    hub.disconnect('everyone', { now: true })
    await publish(3, 6)
    expect([...(await running)]).toEqual([0, 1, 2, 3, 4, 5])
    await thereAre(0)
  })

  it('fails with what is final', async () => {
    const failed = await Effect.runPromise(Effect.flip(Stream.runDrain(streamOf(`${url}gone`))))
    expect(failed).toMatchObject({ code: 'status', status: 410 })
  })
})

describe('OpenTelemetry', () => {
  it('has a span for each attempt, with what ended it', async () => {
    const exporter = new InMemorySpanExporter()
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const connection = connect(url, traced(provider.getTracer('test'), { retry: { base: 10, longest: 20 } }))
    await thereAre(1)
    hub.disconnect('everyone', { now: true })
    await expect.poll(() => exporter.getFinishedSpans()).toHaveLength(1)
    await thereAre(1)
    await connection.opened
    connection.close()
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ attributes }) => attributes)).toMatchObject([
      { 'events.attempt': 1, 'events.then': 'waiting' },
      { 'events.then': 'closed' },
    ])
    expect(spans.map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.UNSET])
    expect(spans[0]?.events.map(({ name }) => name)).toEqual(['open'])
    await provider.shutdown()
  })

  it('counts what the hub counts', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const { options, watch } = measured(provider.getMeter('test'))
    const counted = createHub(options)
    watch(counted)
    await counted.publish({ data: 1 })
    await counted.publish({ data: 2 })
    await reader.forceFlush()
    const found = exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []
    const values = Object.fromEntries(
      found.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.map(({ value }) => value)]),
    )
    expect(values).toMatchObject({ 'events.published': [2] })
    expect(values['events.readers']?.every((count) => count === 0)).toBe(true)
    await provider.shutdown()
    await counted.close()
  })
})
