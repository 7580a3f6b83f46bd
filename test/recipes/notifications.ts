import { createServer } from 'node:http'
import { bearer, createHub } from 'unmissed/server'

const users = new Map([
  ['token-of-ada', 'ada'],
  ['token-of-bob', 'bob'],
]) // stands for your sessions

export const hub = createHub<{ notification: string }>({
  authorize: bearer((token) => {
    const user = users.get(token)
    return user !== undefined && { user }
  }),
})
export const server = createServer(hub.handle)

/** Reaches every tab and device of one user and nobody else, also those that are away for a moment. */
export const notify = (user: string, text: string) => hub.publish({ type: 'notification', data: text }, { user })
