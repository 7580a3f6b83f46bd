// Without the fonts: a page is there sooner, and nothing moves when they come.
import theme from 'vitepress/theme-without-fonts'
import './style.css'

export default theme
