import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { root } from '../docs/snippets.ts'

const built = (name: string) => readFileSync(`${root}dist/${name}.js`, 'utf8')

test('the built hook of React still says that it is for clients, before anything else', () => {
  expect(built('react')).toMatch(/^["']use client["'];?\n/)
})

test.each(['vue', 'svelte', 'index'])('the built %s says nothing of the kind', (name) => {
  expect(built(name)).not.toContain('use client')
})

test.each([
  ['react', 'react'],
  ['vue', 'vue'],
  ['svelte/runes', 'svelte/reactivity'],
])('the built %s leaves %s to its user', (name, framework) => {
  expect(built(name)).toMatch(new RegExp(`from ["']${framework}["']`))
})
