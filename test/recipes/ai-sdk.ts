import { createRuns } from 'unmissed/server'

const runs = createRuns({ authorize: 'anyone' }) // or whoever may read the chat
const reading = { outcome: false } // useChat knows its own events only

declare function answer(messages: unknown, signal: AbortSignal): Response // streamText({ … }).toUIMessageStreamResponse()

// POST /api/chat
export async function POST(request: Request): Promise<Response> {
  const { id, messages } = await request.json()
  await runs.start(id, ({ signal }) => answer(messages, signal), { again: true })
  return runs.fetch(request, id, reading)
}

// GET /api/chat/[id]/stream, which useChat({ resume: true }) asks: 204 where nothing is under way
export async function GET(request: Request, id: string): Promise<Response> {
  const run = await runs.get(id)
  return run?.state === 'running' ? runs.fetch(request, id, reading) : new Response(null, { status: 204 })
}

// DELETE /api/chat/[id]: stops the model, also after a reload, where useChat's own stop() only stops reading
export async function DELETE(_: Request, id: string): Promise<Response> {
  return new Response(null, { status: (await runs.stop(id)) ? 204 : 404 })
}
