/**
 * What so many readers need: `node test/bench/redis/sizing.js --readers 1000000 --events 10`. It calculates, and measures
 * nothing. What a delivery and a reader cost is measured by `npm run bench:server`; all the rest is what you expect.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { server, redis } = JSON.parse(readFileSync(new URL('../results.json', import.meta.url), 'utf8'))

const { values } = parseArgs({
  options: {
    readers: { type: 'string', default: '1000000' },
    /** Events a second that each reader is given. */
    events: { type: 'string', default: '1' },
    /** Events a second that are published. */
    published: { type: 'string', default: '100' },
    /** Logs that topics are spread over. */
    logs: { type: 'string', default: '1' },
    /** Share of the logs that a process has readers for: all, unless readers of the same topics come to the same process. */
    followed: { type: 'string', default: '1' },
    /** Bytes of an event. */
    size: { type: 'string', default: '200' },
    /** Microseconds of CPU for one delivery to one reader, 6.9 in three rounds of `npm run bench:server -- --only limit,unmissed --payload 100 --burst 1`. */
    delivery: { type: 'string', default: '6.9' },
    /** KiB of memory that an idle reader takes, as it was recorded. */
    memory: { type: 'string', default: String(server.memory.unmissed.rss) },
    /** Share of a core that is to be used at most. */
    load: { type: 'string', default: '0.5' },
    /** Readers that a process is to have at most, whatever its CPU says. */
    most: { type: 'string', default: '50000' },
    /** Seconds over which readers return after a deploy: between `retry` and twice that. */
    retry: { type: 'string', default: '5' },
    /** Events that a returning reader has missed. */
    missed: { type: 'string', default: '10' },
  },
})
const input = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]))

function size({ readers, events, published, logs, followed, size, delivery, memory, load, most, retry, missed }) {
  const cores = (readers * events * delivery) / 1e6 / load
  const processes = Math.max(1, Math.ceil(cores), Math.ceil(readers / most))
  const arrivals = readers / retry
  return {
    processes,
    'readers per process': Math.ceil(readers / processes),
    'memory per process, MB': Math.ceil(((readers / processes) * memory) / 1024),
    // One script for the events of a turn, one read a turn and a look a second for each process.
    'Redis: commands a second': Math.ceil(published + processes * (Math.min(published * followed, 1000) + 1)),
    'Redis: MB a second to all processes': +((published * followed * (size + 100) * processes) / 1e6).toFixed(2),
    // Published in bulk by one process, as it was recorded: what one log took, and Redis with it.
    'each log: share of what one took here': +(
      published /
      logs /
      (redis.bare.published * redis.ways.ours.published)
    ).toFixed(4),
    'network, MB a second to readers': +((readers * events * size) / 1e6).toFixed(1),
    'deploy: arrivals a second, over all processes': Math.ceil(arrivals),
    'deploy: arrivals a second per process': Math.ceil(arrivals / processes),
    // Pages of 256 entries, read once per process for all of its readers.
    'deploy: reads of Redis': processes * (Math.ceil(missed / 256) + 4),
  }
}

console.table(size(input))
