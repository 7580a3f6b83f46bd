import { useEventStream } from '../../src/react/index.ts'

/** A component as a user may have it: with a URL that is relative, and the page's fetch unless a test gives another one. */
export function Clock({ fetch }: { fetch?: (url: string, init: RequestInit) => Promise<Response> }) {
  const { state, data } = useEventStream('/clock', { event: 'tick', fetch })
  return (
    <p>
      {state} {data}
    </p>
  )
}
