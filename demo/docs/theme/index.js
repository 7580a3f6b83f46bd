// Without the fonts: a page is there sooner, and nothing moves when they come.
import theme from 'vitepress/theme-without-fonts'
import { Playground } from './playground.js'
import './style.css'

export default {
  extends: theme,
  enhanceApp({ app }) {
    app.component('Playground', Playground)
  },
}
