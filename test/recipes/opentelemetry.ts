import { type Meter, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import type { ConnectOptions, Snapshot } from 'unmissed'
import type { Hub } from 'unmissed/server'

/** The same options, with a span for each attempt: from its request to the end of its body, with what ended it. */
export function traced(tracer: Tracer, options: ConnectOptions = {}): ConnectOptions {
  let span: Span | undefined
  const begin = (attempt: number) => {
    span = tracer.startSpan('events', { kind: SpanKind.CLIENT, attributes: { 'events.attempt': attempt } })
  }
  const end = ({ error, state }: Snapshot) => {
    if (error) span?.setStatus({ code: SpanStatusCode.ERROR, message: error.code })
    span?.setAttribute('events.then', state)
    span?.end()
    span = undefined
  }
  begin(1)
  return {
    ...options,
    onState(snapshot) {
      options.onState?.(snapshot)
      if (snapshot.state === 'open') span?.addEvent('open')
      else if (snapshot.state !== 'connecting') end(snapshot)
      else if (!span) begin(snapshot.attempt)
    },
  }
}

/** What a hub counts, as instruments: who is there by state, how many events were published and dropped. */
export function measured(meter: Meter): {
  readonly options: Pick<Parameters<typeof import('unmissed/server').createHub>[0] & object, 'onPublish' | 'onDrop'>
  watch(hub: Hub): void
} {
  const published = meter.createCounter('events.published')
  const dropped = meter.createCounter('events.dropped')
  return {
    options: { onPublish: () => published.add(1), onDrop: () => dropped.add(1) },
    watch(hub) {
      meter.createObservableGauge('events.readers').addCallback((result) => {
        for (const [state, count] of Object.entries(hub.stats().states)) result.observe(count, { state })
      })
    },
  }
}
