import { mount } from 'svelte'
import Svelte from './Svelte.svelte'

mount(Svelte, { target: document.querySelector('main') })
