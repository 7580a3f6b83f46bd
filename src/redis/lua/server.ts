/** The server's time in milliseconds, as `now`. */
export const NOW = `
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
`

/** Which process of a server it is, as `run`: what stands for `RUN`. Refuses where that is asked for and is another one. */
export const WHO = `
local run = RUN
if ARGV[4] == '1' and not string.find(redis.call('INFO', 'server'), run, 1, true) then
  return redis.error_reply('UNMISSED other-server')
end
`
