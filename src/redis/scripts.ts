import type { Connection } from './client.ts'

/**
 * All that changes a log is one script: it happens whole, or not at all. KEYS are those of one log, which share a hash tag:
 * what is known of it, its entries, its own ids, and (for an append) the idempotency key. ARGV begins with an epoch for the
 * case that the log has none.
 */
const LIFE = `
local meta, stream, ids = KEYS[1], KEYS[2], KEYS[3]
local known = redis.call('HMGET', meta, 'epoch', 'offset', 'sealed', 'bytes', 'gone', 'goneat')
local epoch, offset, sealed, bytes = known[1], tonumber(known[2] or 0), known[3], tonumber(known[4] or 0)
-- A stream stays when it is trimmed to nothing; so one that is gone was deleted, evicted, or lost.
if epoch and offset > 0 and redis.call('EXISTS', stream) == 0 then epoch = false end
if not epoch then
  redis.call('DEL', meta, stream, ids)
  epoch, offset, sealed, bytes = ARGV[1], 0, false, 0
  redis.call('HSET', meta, 'epoch', epoch, 'offset', 0)
end
-- Beside the last entry, so that whoever reads the stream hears of it in its turn.
local function mark(what)
  local id = offset .. '-' .. redis.call('HINCRBY', meta, 'marks', 1)
  redis.call('XADD', stream, id, what, epoch)
end
`

/** ARGV: epoch, entry (the fields `m` and `f`), count, bytes, age, milliseconds that the key is kept, the message's own id. */
const APPEND = `${LIFE}
local message, frame, own = ARGV[2], ARGV[3], ARGV[8]
local count, most, age, keep = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if KEYS[4] then
  local first = redis.call('GET', KEYS[4])
  if first then
    local e, o, i = string.match(first, '^([^.]+)%.(%d+)(.*)$')
    if e == epoch then return { e, o, 1, i } end
  end
end
if sealed then return redis.error_reply('UNMISSED log-sealed') end
if own ~= '' then
  if redis.call('HEXISTS', ids, own) == 1 then return redis.error_reply('UNMISSED duplicate-id') end
  if string.match(own, '^([^.]+)%.%d+$') == epoch then return redis.error_reply('UNMISSED reserved-id') end
end
offset = offset + 1
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XADD', stream, offset .. '-0', 'e', epoch, 't', now, 'm', message, 'f', frame)
if own ~= '' then redis.call('HSET', ids, own, offset) end
if KEYS[4] then redis.call('SET', KEYS[4], epoch .. '.' .. offset .. own, 'PX', keep) end
local size = #message + #frame + 100
bytes = bytes + size
-- Exactly what is too much goes, the oldest first; the newest stays.
local length = redis.call('XLEN', stream)
while length > 1 do
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  local fields = oldest[2]
  local isMark = #fields < 8
  if not isMark and length <= count and bytes <= most and now - fields[4] <= age then break end
  if not isMark and (own ~= '' or redis.call('EXISTS', ids) == 1) then
    local id = cjson.decode(fields[6]).id
    if id then
      redis.call('HDEL', ids, id)
      redis.call('HSET', meta, 'gone', id, 'goneat', string.match(oldest[1], '^%d+'))
    end
  end
  if not isMark then bytes = bytes - #fields[6] - #fields[8] - 100 end
  redis.call('XTRIM', stream, 'MAXLEN', length - 1)
  length = length - 1
end
redis.call('HSET', meta, 'offset', offset, 'bytes', bytes)
local left = redis.call('PTTL', meta)
if left > 0 then
  redis.call('PEXPIRE', stream, left)
  redis.call('PEXPIRE', ids, left)
end
return { epoch, offset, 0, own }
`

/** Answers with epoch, newest offset, oldest offset, whether it is sealed. */
const BOUNDS = `${LIFE}
local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
local first = oldest and string.match(oldest[1], '^(%d+)-0$') or offset + 1
return { epoch, offset, first, sealed and 1 or 0 }
`

const SEAL = `${LIFE}
if not sealed then
  redis.call('HSET', meta, 'sealed', 1)
  mark('sealed')
end
return { epoch, offset }
`

/** ARGV: epoch, milliseconds. */
const EXPIRE = `${LIFE}
mark('expires')
for _, key in ipairs({ meta, stream, ids }) do redis.call('PEXPIRE', key, ARGV[2]) end
return { epoch, offset }
`

/** ARGV: epoch, id. */
const LOCATE = `${LIFE}
local at = redis.call('HGET', ids, ARGV[2])
if not at and known[5] == ARGV[2] then at = known[6] end
return { epoch, at or '' }
`

/** ARGV: epoch, offset, limit: the next entries, in the same moment in which it is known that none before them is gone. */
const READ = `${LIFE}
local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
local first = oldest and string.match(oldest[1], '^(%d+)-0$') or offset + 1
return { epoch, offset, first, redis.call('XRANGE', stream, (ARGV[2] + 1) .. '-0', '+', 'COUNT', ARGV[3]) }
`

export const SCRIPTS = { append: APPEND, bounds: BOUNDS, seal: SEAL, expire: EXPIRE, locate: LOCATE, read: READ }
export type ScriptName = keyof typeof SCRIPTS

const hashes = new Map<ScriptName, Promise<string>>()

/** SHA-1 as `EVALSHA` wants it, from what every runtime has. */
function hashOf(name: ScriptName): Promise<string> {
  let hash = hashes.get(name)
  if (!hash) {
    hash = crypto.subtle
      .digest('SHA-1', new TextEncoder().encode(SCRIPTS[name]))
      .then((bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join(''))
    hashes.set(name, hash)
  }
  return hash
}

/** Runs a script by its hash, and by its text where the server does not know it (yet, or any more). */
export async function run(
  connection: Connection,
  name: ScriptName,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const hash = await hashOf(name)
  const rest = [String(keys.length), ...keys, ...args]
  try {
    return await connection.send('EVALSHA', hash, ...rest)
  } catch (error) {
    if (!/^NOSCRIPT/.test((error as Error).message)) throw error
    return connection.send('EVAL', SCRIPTS[name], ...rest)
  }
}
