import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { useEventStream } from 'unmissed/react'

let heard = 0

function Stream() {
  const { data, recent, state } = useEventStream('/events', {
    parse: 'json',
    until: ({ type }) => type === 'last',
    reduce: ({ count, sum }, { data }) => ({ count: count + 1, sum: sum + data.index }),
    initial: { count: 0, sum: 0 },
    onEvent: () => heard++,
  })
  return (
    <>
      <b id="state">{state}</b>
      <b id="seen">{`${data.count} ${data.sum} ${heard}`}</b>
      <ul>
        {recent.map(({ id, data }) => (
          <li key={id}>
            {id} <i>{data.text}</i>
          </li>
        ))}
      </ul>
    </>
  )
}

createRoot(document.querySelector('main')).render(
  <StrictMode>
    <Stream />
  </StrictMode>,
)
