/**
 * What so many readers need, from what was measured: `node test/bench/redis/sizing.js --readers 1000000 --events 10`. It
 * calculates and measures nothing; the figures are those of `npm run bench:server`, `bench:redis` and `test:herd`, and can be
 * given otherwise.
 */
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    readers: { type: 'string', default: '1000000' },
    /** Events a second that each reader is given. */
    events: { type: 'string', default: '1' },
    /** Events a second that are published. */
    published: { type: 'string', default: '100' },
    /** Bytes of an event. */
    size: { type: 'string', default: '200' },
    /** Microseconds of CPU for one delivery to one reader, measured 6.9; see `bench:server`. */
    delivery: { type: 'string', default: '6.9' },
    /** Kilobytes of memory that an idle reader takes, measured 14.9; see `bench:server`. */
    memory: { type: 'string', default: '14.9' },
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

export function size({ readers, events, published, size, delivery, memory, load, most, retry, missed }) {
  const cores = (readers * events * delivery) / 1e6 / load
  const processes = Math.max(1, Math.ceil(cores), Math.ceil(readers / most))
  const arrivals = readers / retry
  return {
    processes,
    'readers per process': Math.ceil(readers / processes),
    'memory per process, MB': Math.ceil(((readers / processes) * memory) / 1024),
    // One script for the events of a turn, one read a turn and a look a second for each process.
    'Redis: commands a second': Math.ceil(published + processes * (Math.min(published, 1000) + 1)),
    'Redis: MB a second to all processes': +((published * (size + 100) * processes) / 1e6).toFixed(2),
    'network, MB a second to readers': +((readers * events * size) / 1e6).toFixed(1),
    'deploy: arrivals a second, over all processes': Math.ceil(arrivals),
    'deploy: arrivals a second per process': Math.ceil(arrivals / processes),
    // Pages of 256 entries, read once per process for all of its readers.
    'deploy: reads of Redis': processes * (Math.ceil(missed / 256) + 4),
  }
}

console.table(size(input))
