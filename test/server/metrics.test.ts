import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { createHub } from '../../src/server/index.ts'
import { engine, wantedEngines } from '../engines.js'
import { serveHub, until } from './serve.ts'

/** RFC-like strictness where promtool is not at hand: each line is a HELP, a TYPE or a sample of the metric named before. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  let family = ''
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.slice(0, -1).split('\n')) {
    const head = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line)
    if (head?.[1] === 'HELP') family = head[2] ?? ''
    else if (head) expect([head[2], ['counter', 'gauge', 'histogram'].includes(head[3] ?? '')]).toEqual([family, true])
    else {
      const sample = /^([a-z_]+)(\{[a-z]+="[^"\\\n]*"\})? (\d+(\.\d+)?(e[-+]\d+)?)$/.exec(line)
      if (!sample?.[1]) throw new Error(`no sample: ${line}`)
      expect(sample[1].replace(/_(bucket|sum|count)$/, '')).toBe(family)
      const name = sample[1] + (sample[2] ?? '')
      expect(samples.has(name)).toBe(false)
      samples.set(name, Number(sample[3]))
    }
  }
  return samples
}

describe('metrics', () => {
  test('count connections, refusals, events, bytes, replays, gaps and the time of delivery', async () => {
    const { hub, join, url } = await serveHub({ history: 3, onError: () => {} })
    const reader = await join({ raw: true })
    await until(() => hub.size === 1)
    let id = ''
    for (let n = 0; n < 5; n++) id = (await hub.publish({ data: 'x' })).id
    await reader.until(5)
    await join({ lastEventId: id })
    await join({ lastEventId: 'lost' })
    await until(() => hub.size === 3)
    await fetch(url, { method: 'PUT' })
    await fetch(url, { headers: { accept: 'text/html' } })
    await hub.publish({ type: '\n' }).catch(() => {})
    reader.drop()
    await until(() => hub.size === 2)
    const samples = parse(hub.metrics())
    expect(Object.fromEntries(samples)).toMatchObject({
      unmissed_connections: 2,
      unmissed_connections_total: 3,
      'unmissed_refusals_total{status="405"}': 1,
      'unmissed_refusals_total{status="406"}': 1,
      'unmissed_closed_total{reason="left"}': 1,
      unmissed_published_total: 5,
      unmissed_replays_total: 1,
      unmissed_gaps_total: 1,
      unmissed_errors_total: 1,
      unmissed_delivery_seconds_count: 5,
      'unmissed_delivery_seconds_bucket{le="+Inf"}': 5,
    })
    // Where it begins, five events, one gap.
    expect(samples.get('unmissed_delivered_total')).toBe(7)
    expect(samples.get('unmissed_delivered_bytes_total')).toBeGreaterThan(reader.bytes.length)
    const buckets = [...samples].filter(([name]) => name.includes('_bucket')).map(([, count]) => count)
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b))
    expect(samples.get('unmissed_delivery_seconds_sum')).toBeGreaterThan(0)
  })

  test('exist from the beginning', () => {
    const samples = parse(createHub().metrics())
    expect(samples.get('unmissed_connections')).toBe(0)
    expect(samples.get('unmissed_gaps_total')).toBe(0)
  })

  const examined = wantedEngines().includes('promtool') ? test : test.skip
  examined('satisfy promtool', async () => {
    const { hub, join, url } = await serveHub({ slow: 'drop-oldest', maxQueued: 1000 })
    const reader = await join()
    await until(() => hub.size === 1)
    reader.pause()
    for (let n = 0; n < 30; n++) await hub.publish({ data: 'x'.repeat(2 ** 20) })
    await fetch(url, { method: 'PUT' })
    hub.disconnect('everyone')
    const { status, stdout, stderr } = spawnSync(engine('promtool'), ['check', 'metrics'], {
      input: hub.metrics(),
      encoding: 'utf8',
    })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
  })
})
