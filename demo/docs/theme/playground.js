/** A snippet of the guide above it, to be changed and run; nothing of it is loaded before that. */
import { h, ref } from 'vue'

export const Playground = {
  props: { code: { type: String, required: true } },
  setup({ code }) {
    const source = ref(decodeURIComponent(code))
    const rows = source.value.split('\n').length
    const said = ref('')
    const isRunning = ref(false)

    async function start() {
      isRunning.value = true
      said.value = ''
      const { run } = await import('./run.js')
      await run(source.value, (line) => {
        said.value += `${line}\n`
      })
      isRunning.value = false
    }
    const change = ({ target }) => {
      source.value = target.value
    }

    return () =>
      h('details', { class: 'playground' }, [
        h('summary', 'Change it, and run it here'),
        h('textarea', {
          rows,
          value: source.value,
          spellcheck: false,
          autocapitalize: 'off',
          'aria-label': 'The code',
          onInput: change,
        }),
        h('button', { type: 'button', disabled: isRunning.value, onClick: start }, 'Run'),
        h('pre', { role: 'status', 'aria-label': 'What it says', tabindex: 0 }, said.value),
      ])
  },
}
