import { createServer } from 'node:http'
import { createHub } from 'unmissed/server'

type Trade = { symbol: string; price: number }

export const hub = createHub<{ trade: Trade }>()

/** `GET /?symbol=XYZ&above=100`: each reader sees what it asked for, live and replayed. */
export const server = createServer((request, response) => {
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams
  hub.handle(request, response, {
    filter({ data }) {
      const { symbol, price } = data as Trade
      return symbol === query.get('symbol') && price > Number(query.get('above'))
    },
  })
})
