import { CLEARING, LIFE_TO_APPEND } from './life.ts'

/** For how long a client may repeat what it has sent, in milliseconds. */
export const RESENT = 60_000

/**
 * KEYS[4]: what was sent by this caller and answered, for as long as it may be sent again: clients repeat by themselves what
 * had no answer when a connection broke. ARGV: count, bytes, age (-1 for none), milliseconds that a key is kept, the caller's
 * number of this script and of those whose answers have come, then for each message: what filters need, its frame, its own
 * id, and the number of its idempotency key among KEYS. Answers with the epoch, the newest offset, and for each message its
 * offset, whether it was there, and its own id; or why it was refused.
 */
export const APPEND = `${LIFE_TO_APPEND}
local sent, number = KEYS[4], ARGV[9]
local done = redis.call('HGET', sent, number)
if done then return cjson.decode(done) end
local count, most, age, keep = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local head = epoch .. ' ' .. now .. ' '
local before, mayHaveIds = offset, nil
local length, size = tonumber(known[7] or 0), 0
local function earlier(key)
  local found = redis.call('GET', key)
  if not found then return end
  local name, at, id = string.match(found, '^([^.]+)%.(%d+)(.*)$')
  at = tonumber(at)
  -- What a life had when it ended is still there; what it lost is not.
  if name == epoch then return at <= offset and { at, 1, id } end
  for each, ended in string.gmatch(redis.call('HGET', meta, 'lives') or '', '([^ ;]+) (%d+) %d+;') do
    if each == name and at <= tonumber(ended) then return { at, 1, id } end
  end
end
local function refused(own)
  if redis.call('HEXISTS', ids, own) == 1 then return 'UNMISSED duplicate-id' end
  local name = string.match(own, '^([^.]+)%.%d+$')
  if not name then return false end
  local lives = ';' .. (redis.call('HGET', meta, 'lives') or '')
  return (name == epoch or string.find(lives, ';' .. name .. ' ', 1, true)) and 'UNMISSED reserved-id'
end
local function add(message, frame)
  local added = redis.pcall('XADD', stream, (offset + 1) .. '-0', 'm', head .. message, 'f', frame)
  return type(added) == 'table' and added.err
end
local function append(message, frame, own, key)
  local found = key and earlier(key)
  if found then return found end
  local wrong = sealed and 'UNMISSED log-sealed' or own ~= '' and refused(own) or add(message, frame)
  if wrong and string.find(wrong, 'equal or smaller', 1, true) then
    ${CLEARING}
    clear()
    wrong = add(message, frame)
  end
  if wrong then return wrong end
  offset = offset + 1
  if own ~= '' then redis.call('HSET', ids, own, offset) end
  if key then redis.call('SET', key, epoch .. '.' .. offset .. own, 'PX', keep) end
  size = #head + #message + #frame + 100
  bytes = bytes + size
  return { offset, 0, own }
end
local answers = { epoch, 0 }
for at = 11, #ARGV, 4 do
  answers[#answers + 1] = append(ARGV[at], ARGV[at + 1], ARGV[at + 2], KEYS[tonumber(ARGV[at + 3])])
end
answers[2] = offset
-- After the entries: a script that has written before is not refused where Redis is full.
for over in string.gmatch(ARGV[10], '%d+') do redis.call('HDEL', sent, over) end
if offset == before then return answers end
redis.call('HSET', sent, number, cjson.encode(answers))
redis.call('PEXPIRE', sent, ${RESENT})
-- Exactly what is too much goes, the oldest first; the newest stays.
length = length + offset - before
if age >= 0 or length > count or bytes > most then
  length = redis.call('XLEN', stream)
  if length == 1 then bytes = size end
end
while length > 1 and (age >= 0 or length > count or bytes > most) do
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  local fields = first[2]
  local isOurs = fields[1] == 'm' and fields[3] == 'f'
  if isOurs and length <= count and bytes <= most then
    local at = tonumber(string.match(fields[2], '^%S+ (%d+)'))
    if not at or age < 0 or tonumber(now) - at <= age then break end
  end
  if mayHaveIds == nil then mayHaveIds = redis.call('EXISTS', ids) == 1 end
  if isOurs and mayHaveIds then
    local known, found = pcall(cjson.decode, string.match(fields[2], '^%S+ %S+ (.*)$') or '')
    local id = known and found.id
    if id then
      redis.call('HDEL', ids, id)
      redis.call('HSET', meta, 'gone', id, 'goneat', string.match(first[1], '^%d+'))
    end
  end
  if isOurs then bytes = bytes - #fields[2] - #fields[4] - 100 end
  redis.call('XTRIM', stream, 'MAXLEN', length - 1)
  length = length - 1
end
redis.call('HSET', meta, 'offset', offset, 'bytes', bytes, 'length', length)
if known[6] then
  local left = redis.call('PTTL', meta)
  for _, key in ipairs({ stream, ids }) do redis.call('PEXPIRE', key, left) end
end
return answers
`
