// A page that is loaded again and again: what each consumer has handled, it writes down where a reload does not reach.
import { connect } from 'unmissed'

// Each life under keys of its own: one that is being left may still write.
const life = location.search.slice(1) || '0'
const note = (name, text) => {
  const key = `${name} ${life}`
  localStorage.setItem(key, `${localStorage.getItem(key) ?? ''}${text} `)
}
// No timers: a page that nobody looks at gets fewer and fewer of them.
const work = async (times) => {
  for (let n = 0; n < times; n++) await fetch('/work')
}

note('begun', localStorage.id || '0')

const connection = connect('/events', {
  retry: { base: 5, max: 20 },
  resume: {
    load: () => localStorage.id ?? '',
    save: (id) => {
      localStorage.id = id
    },
  },
})
connection.on('tick', ({ data }) => note('heard', data))
connection.on('tick', async ({ data }) => {
  await work(data % 3)
  note('promised', data)
})
globalThis.connection = connection
for await (const { data } of connection) {
  if (data % 2) await work(data % 5)
  note('looped', data)
}
