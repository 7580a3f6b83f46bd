import { Redis } from 'ioredis'
import { redisLogs } from 'unmissed/redis'
import { createPublisher } from 'unmissed/server'

/** A function that publishes and ends: where nothing lives long, nothing is left open. */
export async function POST(request: Request): Promise<Response> {
  const client = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1')
  const logs = redisLogs(client)
  try {
    const { id } = await createPublisher(logs.open('news')).publish({ data: await request.json() })
    return Response.json({ id })
  } finally {
    logs.close()
    client.disconnect()
  }
}
