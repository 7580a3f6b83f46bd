// Two streams on a page that goes into the back/forward cache and comes back; what it sees, it reports.
import { connect } from 'unmissed'

const report = (what) => fetch('/report', { method: 'POST', body: JSON.stringify(what) })
const get = connect('/get')
const post = connect('/post', { method: 'POST', body: '{}', pauseWhenHidden: { after: 0 } })
const heard = { get: [], post: [] }
get.on(({ data }) => heard.get.push(data))
post.on(({ data }) => heard.post.push(data))

addEventListener('pageshow', async ({ persisted }) => {
  if (!persisted) {
    await Promise.all([get.next(), post.next()])
    report({ at: 'first' })
  } else {
    await get.next()
    report({ at: 'back', get: get.state, post: post.state, heard })
  }
})
