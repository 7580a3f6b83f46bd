import { NOW } from './server.ts'

/** KEYS: the processes. ARGV: id, milliseconds. Answers with whether it was known, and who is there. */
const PRESENT = `${NOW}local alive = {}
local known = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  if tonumber(all[at + 1]) < now then redis.call('HDEL', KEYS[1], all[at])
  else alive[#alive + 1] = all[at] end
end
return { known and tonumber(known) >= now and 1 or 0, alive }
`

/** KEYS: the counts of a name, the processes. ARGV: id, the most, milliseconds. Answers with whether it is counted. */
const ENTER = `
local all, sum = redis.call('HGETALL', KEYS[1]), 0
${NOW}for at = 1, #all, 2 do
  local till = all[at] == ARGV[1] and now or tonumber(redis.call('HGET', KEYS[2], all[at]) or 0)
  if till < now then redis.call('HDEL', KEYS[1], all[at])
  else sum = sum + all[at + 1] end
end
if sum >= tonumber(ARGV[2]) then return 0 end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`

/** KEYS: the counts of a name. ARGV: id, how often it has it, milliseconds. */
const COUNT = `
if ARGV[2] == '0' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`

/** What knows nothing of a log's lives: it is counted anew in seconds. */
export const PEER_SCRIPTS = { present: PRESENT, enter: ENTER, count: COUNT }
