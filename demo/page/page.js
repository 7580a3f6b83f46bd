/** Small things that every part of the page needs. */

/** This page's name for the server: its faults hit this page alone. */
export const page = Math.random().toString(36).slice(2)

export const $ = (selector) => document.querySelector(selector)

/** The address of something behind the faults. */
export const api = (path, query = {}) => `/api/${path}?${new URLSearchParams({ ...query, page })}`

export const post = (path, body) => fetch(path, { method: 'POST', body })

/** An expired token: asks for a new one, and the attempt is made again at once. */
export const renew = () => post(`/break/token?page=${page}`)

/** Says it where it is not said yet: what is read aloud is not read twice. */
export function say(element, value) {
  const text = typeof value === 'number' ? value.toLocaleString('en') : value
  if (element.textContent !== text) element.textContent = text
}

/** A count that should be none. */
export function sayLost(element, count) {
  say(element, count)
  element.className = count ? 'some' : 'zero'
}

/** Fills a row of a ledger, whose third and fourth figures are what was lost and doubled. */
export function sayRow(row, figures) {
  while (row.children.length <= figures.length) row.append(document.createElement('td'))
  figures.forEach((figure, at) => {
    const write = at === 2 || at === 3 ? sayLost : say
    write(row.children[at + 1], figure)
  })
}

/** Adds a line on top of a list that stays short. */
export function line(list, text) {
  list.prepend(Object.assign(document.createElement('li'), { textContent: text }))
  while (list.children.length > 4) list.lastChild.remove()
}

/** Calls `draw` with a context in CSS pixels whenever there may be something new, once per frame at most. */
export function canvas(element, draw) {
  let asked = false
  function redraw() {
    asked = false
    const { clientWidth: width, clientHeight: height } = element
    const scale = devicePixelRatio
    if (element.width !== width * scale) element.width = width * scale
    if (element.height !== height * scale) element.height = height * scale
    const context = element.getContext('2d')
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width, height)
    draw(context, width, height)
  }
  element.style.height = `${element.getAttribute('height')}px`
  const ask = () => {
    if (!asked) requestAnimationFrame(redraw)
    asked = true
  }
  new ResizeObserver(ask).observe(element)
  addEventListener('theme', ask)
  ask()
  return ask
}

/** A colour of the style sheet, as the present theme has it. */
export function colour(name) {
  const probe = document.createElement('i')
  probe.style.color = `var(--${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
