/** Says whether a `Content-Type` is `text/event-stream`: by its essence, in any case, whatever its parameters (§9.2.3). */
export function isEventStream(contentType: string | null): boolean {
  return /^[\t\n\r ]*text\/event-stream[\t\n\r ]*(;|$)/i.test(contentType ?? '')
}
