/** What a page has without this package, beside what it has with it. */
import { $, say } from './page.js'

const KEY = 'unmissed demo plain words'
const TABS = 10
/** How long ten tabs try, in milliseconds. */
const TRIED = 4000

/** At another port: the connections that plain clients take are not the page's. */
async function aside(path) {
  const { port } = await (await fetch('/aside')).json()
  const address = new URL(path, location.href)
  address.port = port
  return address
}

/** The same question, and its answer read as guides of `fetch` have it. Returns what stops it. */
export function askPlainly(prompt) {
  const stopped = new AbortController()
  const shown = $('#plain-answer')
  shown.textContent = ''
  let words = 0
  async function read() {
    const { body } = await fetch(await aside('/chat'), { method: 'POST', body: prompt, signal: stopped.signal })
    let rest = ''
    for (const reader = body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
      const { done, value } = await reader.read()
      if (done) break
      const lines = (rest + value).split('\n')
      rest = lines.pop()
      for (const line of lines) {
        const [, token] = /^data: ({"token".*)/.exec(line) ?? []
        if (!token) continue
        shown.append(JSON.parse(token).token)
        localStorage.setItem(KEY, ++words)
      }
    }
    localStorage.removeItem(KEY)
  }
  read().catch(() => stopped.signal.aborted || shown.append(' … broken off.'))
  return () => {
    stopped.abort()
    localStorage.removeItem(KEY)
  }
}

/** Says what went with the page before this one. */
export function mournAnswer() {
  const words = Number(localStorage.getItem(KEY))
  localStorage.removeItem(KEY)
  if (words) say($('#plain-answer'), `${words} words were here. They are gone with the page, and so is the rest.`)
}

/** One EventSource for each of ten tabs: over HTTP/1.1 a browser has six connections to a server, and the rest wait. */
export function showTenPlain() {
  const button = $('#ten-plain')
  button.addEventListener('click', async () => {
    button.disabled = true
    const address = await aside('/events')
    const sources = Array.from({ length: TABS }, () => new EventSource(address))
    const count = () => {
      const open = sources.filter(({ readyState }) => readyState === EventSource.OPEN).length
      say(
        $('#plain-said'),
        `Ten of EventSource: ${open} connections are open, ${TABS - open} of the tabs hear nothing.`,
      )
    }
    for (const source of sources) source.onopen = count
    count()
    await new Promise((resolve) => setTimeout(resolve, TRIED))
    count()
    for (const source of sources) source.close()
    button.disabled = false
  })
}
