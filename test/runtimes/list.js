// One list for every runtime. Plain modules that import the package by its own name: nothing here knows where it runs.
import { EventSource } from 'unmissed/eventsource'
import { client } from './connect.js'
import { clauses } from './eventsource.js'
import { parse } from './parse.js'

export const list = [...parse, ...client, ...clauses(EventSource)]

/** The same clauses asked of the runtime's own class, which shows whether we read the standard as its makers do. */
export const native = globalThis.EventSource ? clauses(globalThis.EventSource) : []
