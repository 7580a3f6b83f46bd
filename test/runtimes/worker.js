// Runs the list in workerd, for the request that asks for it.
import { runList } from './harness.js'
import { list } from './list.js'

export default {
  async fetch(request) {
    const base = new URL(request.url).searchParams.get('base')
    return Response.json(await runList(list, base))
  },
}
