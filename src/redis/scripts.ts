/**
 * All that changes a log is one script: it happens whole, or not at all. KEYS are those of one log, which share a hash tag:
 * what is known of it, its entries, its own ids, and (for an append) the idempotency key. ARGV begins with
 *
 * 1. an epoch for a new life of the log,
 * 2. and 3. the newest position that the caller has heard of, or two empty ones,
 * 4. whether the server has to be the one that the script was made for: asked where the text of a script is sent, which every
 *    server runs. By its hash only that server knows it.
 *
 * `RUN` is replaced by what names the server's process.
 *
 * **Lives.** A server that was restarted, or took over from another one, may have lost the newest entries, and tells nobody.
 * What it would add then would have offsets that readers have seen already, on other entries. So each process of a server
 * begins a new life of the log, under a new epoch; `lives` remembers of each earlier one its epoch, the offset where it
 * ended, and the offset that it is known to have had, by those who heard of it. They differ where entries were lost.
 */
const life = (isGone: string) => `
local meta, stream, ids = KEYS[1], KEYS[2], KEYS[3]
local run = RUN
if ARGV[4] == '1' and not string.find(redis.call('INFO', 'server'), run, 1, true) then
  return redis.error_reply('UNMISSED other-server')
end
local known = redis.call('HMGET', meta, 'epoch', 'offset', 'sealed', 'bytes', 'run', 'expires', 'length')
local epoch, offset, sealed, bytes = known[1], tonumber(known[2] or 0), known[3], tonumber(known[4] or 0)
local heardEpoch, heard = ARGV[2], tonumber(ARGV[3]) or 0
local isGone = ${isGone}
if isGone or known[5] ~= run or heardEpoch ~= epoch or heard > offset then
  local lives = epoch and redis.call('HGET', meta, 'lives') or ''
  local function life(name, ended, most) return name .. ' ' .. ended .. ' ' .. math.max(ended, most) .. ';' end
  local function begin(start)
    epoch = ARGV[1]
    local time, left = redis.call('TIME'), redis.call('PTTL', meta)
    local born = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('HSET', meta, 'epoch', epoch, 'offset', offset, 'run', run, 'lives', lives, 'start', start, 'born', born)
    if left > 0 then redis.call('PEXPIRE', meta, left) end
  end
  if isGone then
    lives = ''
    if epoch then lives = life(epoch, 0, math.max(offset, heardEpoch == epoch and heard or 0))
    elseif heardEpoch ~= '' then lives = life(heardEpoch, 0, heard) end
    redis.call('DEL', meta, stream, ids)
    offset, sealed, bytes, known = 0, false, 0, {}
    begin(0)
  elseif (known[5] ~= run and not sealed) or (heardEpoch == epoch and heard > offset) then
    lives = lives .. life(epoch, offset, heardEpoch == epoch and heard or 0)
    local _, count = string.gsub(lives, ';', '')
    if count > 32 then lives = string.gsub(lives, '^[^;]*;', '') end
    begin(offset)
  elseif heardEpoch ~= '' and heardEpoch ~= epoch then
    -- Somebody has heard more of an earlier life than was known.
    local told = string.gsub(lives, '([^ ;]+) (%d+) (%d+);', function(name, ended, most)
      if name == heardEpoch and heard > tonumber(most) then return life(name, ended, heard) end
    end)
    if told ~= lives then redis.call('HSET', meta, 'lives', told) end
  end
end
`

/** A stream stays when it is trimmed to nothing; so one that is gone was deleted, evicted, or lost. */
const LIFE = life("not epoch or (offset > 0 and redis.call('EXISTS', stream) == 0)")

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

/** What another program has added after our last entry: no entry of ours could follow it. */
const CLEARING = `
local function clear()
  local last = offset .. '-' .. (redis.call('HGET', meta, 'marks') or 0)
  while true do
    local top = redis.call('XREVRANGE', stream, '+', '(' .. last, 'COUNT', 100)
    if #top == 0 then break end
    for _, entry in ipairs(top) do redis.call('XDEL', stream, entry[1]) end
  end
  redis.call('XSETID', stream, last)
end
`

/**
 * ARGV: count, bytes, age (-1 for none), milliseconds that a key is kept, then for each message: what filters need, its frame,
 * its own id, and the number of its idempotency key among KEYS. Answers with the epoch, the newest offset, and for each
 * message its offset, whether it was there, and its own id; or why it was refused.
 */
// Where only the stream is gone an append goes on in a new one: to its readers it is as if all had been trimmed.
const APPEND = `${life('not epoch')}
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
for at = 9, #ARGV, 4 do
  answers[#answers + 1] = append(ARGV[at], ARGV[at + 1], ARGV[at + 2], KEYS[tonumber(ARGV[at + 3])])
end
answers[2] = offset
if offset == before then return answers end
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

/** Answers with epoch, newest offset, oldest offset, whether it is sealed, the offset where this life began. */
const BOUNDS = `${LIFE}${OLDEST}
return { epoch, offset, oldest(), sealed and 1 or 0, tonumber(redis.call('HGET', meta, 'start')) }
`

/** The same, where there is a log; it makes none. */
const LOOK = `
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
${BOUNDS}`

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
local time = redis.call('TIME')
local age = time[1] * 1000 + math.floor(time[2] / 1000) - (redis.call('HGET', meta, 'born') or 0)
return { epoch, offset, place() or '', age }
`

/** What another program has added after the last entry goes. */
const CLEAR = `${LIFE}${CLEARING}
clear()
return { epoch, offset }
`

/** KEYS: the processes. ARGV: id, milliseconds. Answers with whether it was known, and who is there. */
const PRESENT = `
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local alive = {}
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
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
for at = 1, #all, 2 do
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
export const SHARED = { present: PRESENT, enter: ENTER, count: COUNT }

export const SCRIPTS = {
  append: APPEND,
  bounds: BOUNDS,
  look: LOOK,
  seal: SEAL,
  expire: EXPIRE,
  locate: LOCATE,
  read: READ,
  continues: CONTINUES,
  clear: CLEAR,
}
export type ScriptName = keyof typeof SCRIPTS
