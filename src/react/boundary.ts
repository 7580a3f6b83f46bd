'use client'

/**
 * What components of a server import, by the condition `react-server`: it says that all of this is for clients. What runs there
 * is the other file, in which bundlers that know of no servers would warn of these two words.
 */
export { StreamDefaults } from './stream-defaults.ts'
export { useEventStream } from './use-event-stream.ts'
