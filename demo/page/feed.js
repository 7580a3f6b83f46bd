/** The feed, read by `connect`: the subject of the whole page. */
import { connect } from 'unmissed'
import { api, renew } from './page.js'

/** What is seen of the bytes on their way, for the picture of the path. */
export const chunks = new EventTarget()

async function watched(url, init) {
  const response = await fetch(url, init)
  const look = new TransformStream({
    transform(chunk, controller) {
      chunks.dispatchEvent(new CustomEvent('chunk', { detail: chunk }))
      controller.enqueue(chunk)
    },
  })
  return response.ok && response.body ? new Response(response.body.pipeThrough(look), response) : response
}

export const connection = connect(api('events'), {
  headers: { authorization: 'Bearer demo' },
  fetch: watched,
  parse: 'json',
  retry: { base: 500, max: 8000 },
  onUnauthorized: renew,
})
