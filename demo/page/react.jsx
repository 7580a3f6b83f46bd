/** The hook: a component, a stream. */
import { createRoot } from 'react-dom/client'
import { useEventStream } from 'unmissed/react'
import { $, api } from './page.js'

function Feed() {
  const { data, state, attempt, recent } = useEventStream(api('events'), { event: 'tick', parse: 'json', max: 5 })
  return (
    <>
      <p>
        {state}, attempt {attempt}, at number <strong>{data?.n ?? '…'}</strong>
      </p>
      <ul className="lines">
        {recent.map(({ id, data }) => (
          <li key={id}>
            <code>{id}</code> n = {data.n}
          </li>
        ))}
      </ul>
    </>
  )
}

export const showReact = () => createRoot($('#react')).render(<Feed />)
