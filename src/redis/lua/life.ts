import { NOW, WHO } from './server.ts'

/**
 * All that changes a log is one script: it happens whole, or not at all. KEYS are those of one log, which share a hash tag:
 * what is known of it, its entries, its own ids, and (for an append) what was sent, and the idempotency keys. ARGV begins with
 *
 * 1. an epoch for a new life of the log,
 * 2. and 3. the newest position that the caller has heard of, or two empty ones,
 * 4. whether the server has to be the one that the script was made for: asked where the text of a script is sent, which every
 *    server runs. By its hash only that server knows it.
 *
 * **Lives.** A server that was restarted, or took over from another one, may have lost the newest entries, and tells nobody.
 * What it would add then would have offsets that readers have seen already, on other entries. So each process of a server
 * begins a new life of the log, under a new epoch; `lives` remembers of each earlier one its epoch, the offset where it
 * ended, and the offset that it is known to have had, by those who heard of it. They differ where entries were lost.
 */
const TEXT = `
local meta, stream, ids = KEYS[1], KEYS[2], KEYS[3]
${WHO}local known = redis.call('HMGET', meta, 'epoch', 'offset', 'sealed', 'bytes', 'run', 'expires', 'length')
local epoch, offset, sealed, bytes = known[1], tonumber(known[2] or 0), known[3], tonumber(known[4] or 0)
local heardEpoch, heard = ARGV[2], tonumber(ARGV[3]) or 0
local isGone = IS_GONE
-- Who does not know which server it is takes it for the same.
local isOther = known[5] ~= run and run ~= 'unknown'
if isGone or isOther or heardEpoch ~= epoch or heard > offset then
  local lives = epoch and redis.call('HGET', meta, 'lives') or ''
  local function life(name, ended, most) return name .. ' ' .. ended .. ' ' .. math.max(ended, most) .. ';' end
  local function begin(start)
    epoch = ARGV[1]
    ${NOW}
    local left = redis.call('PTTL', meta)
    redis.call('HSET', meta, 'epoch', epoch, 'offset', offset, 'run', run, 'lives', lives, 'start', start, 'born', now)
    if left > 0 then redis.call('PEXPIRE', meta, left) end
  end
  if isGone then
    lives = ''
    if epoch then lives = life(epoch, 0, math.max(offset, heardEpoch == epoch and heard or 0))
    elseif heardEpoch ~= '' then lives = life(heardEpoch, 0, heard) end
    redis.call('DEL', meta, stream, ids)
    offset, sealed, bytes, known = 0, false, 0, {}
    begin(0)
  elseif (isOther and not sealed) or (heardEpoch == epoch and heard > offset) then
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
export const LIFE = TEXT.replace('IS_GONE', "not epoch or (offset > 0 and redis.call('EXISTS', stream) == 0)")

/** Where only the stream is gone an append goes on in a new one: to its readers it is as if all had been trimmed. */
export const LIFE_TO_APPEND = TEXT.replace('IS_GONE', 'not epoch')

/** What another program has added after our last entry: no entry of ours could follow it. */
export const CLEARING = `
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
