/** The standard's type, behind whatever else; after it only what is no type, or any. */
const EVENT_STREAM = /^(.*,)?[\t\n\r ]*text\/event-stream[\t\n\r ]*(;[^,]*)?(,([^,/]*|[^,]*\*\/[^,]*))*$/i
const QUOTED = /"(\\.|[^"\\])*("|$)/g

/**
 * Says whether a `Content-Type` is `text/event-stream`: by its essence, in any case, whatever its parameters (§9.2.3). Of
 * several, which a proxy may leave and `Headers` joins with commas, the last that is one counts (Fetch, "extract a MIME
 * type"); what is quoted may hold commas.
 */
export function isEventStream(contentType: string | null): boolean {
  return EVENT_STREAM.test(`${contentType}`.replace(QUOTED, ''))
}
