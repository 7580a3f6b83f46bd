import { APPEND } from './append.ts'
import { CLEARING, LIFE } from './life.ts'
import { NOW, WHO } from './server.ts'

// What some scripts need besides. It comes where it is needed: in Lua each function costs whenever it is defined.

const OLDEST = `
local function oldest()
  local from = '-'
  while true do
    local first = redis.call('XRANGE', stream, from, '+', 'COUNT', 1)[1]
    if not first then return offset + 1 end
    local at = string.match(first[1], '^(%d+)-0$')
    if at then return tonumber(at) end
    from = '(' .. first[1]
  end
end
`

/** Beside the last entry, so that whoever reads the stream hears of it in its turn. */
const MARK = `
local function mark(what)
  local id = offset .. '-' .. redis.call('HINCRBY', meta, 'marks', 1)
  redis.call('XADD', stream, id, what, epoch)
end
`

/** Answers with epoch, newest offset, oldest offset, whether it is sealed, the offset where this life began. */
const BOUNDS = `${LIFE}${OLDEST}
return { epoch, offset, oldest(), sealed and 1 or 0, tonumber(redis.call('HGET', meta, 'start')) }
`

/** The same, where there is a log; it makes none. */
const LOOK = `
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
${BOUNDS}`

/**
 * KEYS: what is known of each of many logs. Answers for each with its epoch and newest offset; with nothing where there is
 * none, or where a new life has to begin.
 */
const GLANCE = `${WHO}local answers = {}
for at, meta in ipairs(KEYS) do
  local known = redis.call('HMGET', meta, 'epoch', 'offset', 'run')
  answers[at] = known[1] and (known[3] == run or run == 'unknown') and { known[1], known[2] } or {}
end
return answers
`

const SEAL = `${LIFE}${MARK}
if not sealed then
  redis.call('HSET', meta, 'sealed', 1)
  mark('sealed')
end
return { epoch, offset }
`

/** ARGV: milliseconds. */
const EXPIRE = `${LIFE}${MARK}
mark('expires')
redis.call('HSET', meta, 'expires', 1)
for _, key in ipairs({ meta, stream, ids }) do redis.call('PEXPIRE', key, ARGV[5]) end
return { epoch, offset }
`

/** ARGV: id. */
const LOCATE = `${LIFE}
local at = redis.call('HGET', ids, ARGV[5])
local gone = redis.call('HMGET', meta, 'gone', 'goneat')
if not at and gone[1] == ARGV[5] then at = gone[2] end
return { epoch, offset, at or '' }
`

/** ARGV: offset, limit: the next entries, in the same moment in which it is known that none before them is gone. */
const READ = `${LIFE}${OLDEST}
return { epoch, offset, oldest(), redis.call('XRANGE', stream, (ARGV[5] + 1) .. '-0', '+', 'COUNT', ARGV[6]) }
`

/**
 * ARGV: epoch, offset. Answers with the offset of that place now, or with none where something after it was lost, or where
 * nobody knows; and for how long, in milliseconds, this life has been.
 */
const CONTINUES = `${LIFE}
local name, at, found = ARGV[5], tonumber(ARGV[6]), false
local function place()
  if name == epoch then return at <= offset and at end
  for each, ended, most in string.gmatch(redis.call('HGET', meta, 'lives') or '', '([^ ;]+) (%d+) (%d+);') do
    ended, most = tonumber(ended), tonumber(most)
    found = found or each == name
    if found and most > ended and at < most then return false end
    if found then at = math.min(at, ended) end
  end
  return found and at
end
${NOW}
return { epoch, offset, place() or '', now - (redis.call('HGET', meta, 'born') or 0) }
`

/** What another program has added after the last entry goes. */
const CLEAR = `${LIFE}${CLEARING}
clear()
return { epoch, offset }
`

export const SCRIPTS = {
  append: APPEND,
  bounds: BOUNDS,
  look: LOOK,
  glance: GLANCE,
  seal: SEAL,
  expire: EXPIRE,
  locate: LOCATE,
  read: READ,
  continues: CONTINUES,
  clear: CLEAR,
}
export type ScriptName = keyof typeof SCRIPTS
