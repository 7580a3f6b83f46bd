/** The same feed, read by the browser's own EventSource. */
import { api } from './page.js'

export function listen(ledger) {
  const source = new EventSource(api('events'))
  source.addEventListener('tick', ({ data }) => ledger.take(JSON.parse(data).n))
  source.addEventListener('snapshot', ({ data }) => ledger.snapshot(JSON.parse(data).last))
  return () => ['connecting', 'open', 'gave up'][source.readyState]
}
