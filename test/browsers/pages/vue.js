import { useEventStream } from 'unmissed/vue'
import { createApp, h } from 'vue'

let heard = 0

createApp({
  setup() {
    const { data, recent, state } = useEventStream('/events', {
      parse: 'json',
      until: ({ type }) => type === 'last',
      reduce: ({ count, sum }, { data }) => ({ count: count + 1, sum: sum + data.index }),
      initial: { count: 0, sum: 0 },
      onEvent: () => heard++,
    })
    return () => [
      h('b', { id: 'state' }, state.value),
      h('b', { id: 'seen' }, `${data.value.count} ${data.value.sum} ${heard}`),
      h(
        'ul',
        recent.value.map(({ id, data }) => h('li', { key: id }, [id, ' ', h('i', data.text)])),
      ),
    ]
  },
}).mount('main')
