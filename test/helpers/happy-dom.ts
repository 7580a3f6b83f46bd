import { builtinEnvironments, type Environment } from 'vitest/runtime'

/**
 * happy-dom with the platform's network: its own fetch aborts with a plain Error, leaves the socket of a cancelled body
 * open and then throws where nobody can catch it, so streams cannot be tested with it.
 */
const names = [
  'fetch',
  'Request',
  'Response',
  'Headers',
  'FormData',
  'Blob',
  'URL',
  'URLSearchParams',
  'AbortController',
  'AbortSignal',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'TextDecoderStream',
  'TextEncoderStream',
  'TextDecoder',
  'TextEncoder',
] as const
const native = names.map((name) => [name, globalThis[name]] as const)

// A default export, because vitest asks an environment's file for it.
export default {
  name: 'happy-dom-with-fetch',
  viteEnvironment: 'client',
  async setup(global, options) {
    const environment = await builtinEnvironments['happy-dom'].setup(global, options)
    for (const [name, value] of native)
      Object.defineProperty(global, name, { value, configurable: true, writable: true })
    return environment
  },
} satisfies Environment
