import { initTRPC, tracked } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { numbers } from './numbers.mjs'

const { procedure, router } = initTRPC.create()
const app = router({
  events: procedure
    .input((input) => input ?? {})
    .subscription(async function* ({ input }) {
      for await (const n of numbers(input.lastEventId)) yield tracked(String(n), n)
    }),
})
createHTTPServer({ router: app }).listen(Number(process.env.PORT), '127.0.0.1')
