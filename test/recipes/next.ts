// app/events/route.ts
import { createHub, type Hub } from 'unmissed/server'

// The development server loads this file again after each change; the hub has to stay the same one.
const kept = globalThis as { hub?: Hub }
kept.hub ??= createHub()
export const hub = kept.hub

export const dynamic = 'force-dynamic'
export const GET = (request: Request) => hub.fetch(request, { topics: ['news'] })
