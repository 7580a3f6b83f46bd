/** Light or dark: as the system says, until the button is pressed. */
import { $ } from './page.js'

export function showTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  let theme = localStorage.getItem('theme')
  const apply = () => {
    const now = theme ?? (dark.matches ? 'dark' : 'light')
    if (theme) document.documentElement.dataset.theme = theme
    $('#theme').textContent = now === 'dark' ? 'Light' : 'Dark'
    dispatchEvent(new Event('theme'))
    return now
  }
  $('#theme').addEventListener('click', () => {
    theme = apply() === 'dark' ? 'light' : 'dark'
    localStorage.setItem('theme', theme)
    apply()
  })
  dark.addEventListener('change', apply)
  apply()
}
