/** The hook: a component, and the stream that all tabs share. */
import { createRoot } from 'react-dom/client'
import { useEventStream } from 'unmissed/react'
import { $ } from './page.js'
import { options } from './tabs.js'

function Feed() {
  const { data, state, attempt, recent } = useEventStream('/api/tabs', { ...options, event: 'tick', max: 5 })
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
