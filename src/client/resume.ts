/** Keeps the last event id over a reload; both may be asynchronous. */
export interface Resume {
  /** Called once, before the first attempt. */
  load?: (() => string | null | undefined | Promise<string | null | undefined>) | undefined
  /** Called with the newest id after the listeners of its event ran. */
  save?: ((id: string) => unknown) | undefined
}

/** What `storage` needs: `localStorage`, `sessionStorage`, React Native's AsyncStorage. */
export interface KeyValueStore {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): unknown
}

/** Keeps the last event id in a store, for the `resume` option. A store that is full or forbidden is no reason to stop. */
export function storage(store: KeyValueStore, key = 'unmissed:lastEventId'): Required<Resume> {
  const quiet = async (act: () => string | null | unknown) => {
    try {
      return await act()
    } catch {}
  }
  return {
    load: () => quiet(() => store.getItem(key)) as Promise<string | null | undefined>,
    save: (id) => quiet(() => store.setItem(key, id)),
  }
}

/** The most bytes of an id that are sent: servers refuse a head of more than 8 to 16 KiB with 431, for ever. */
const LONGEST_ID = 4096

/**
 * The id as a header value: its UTF-8 bytes, one character each, because a header is a ByteString (§9.2.3 "encoded as
 * UTF-8"; fetch throws on anything above U+00FF). `undefined` where no header can carry it: control characters are
 * refused, and white space at the ends would be cut off.
 */
export function headerValue(id: string): string | undefined {
  let value = ''
  for (const byte of new TextEncoder().encode(id)) value += String.fromCharCode(byte)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\0-\x08\x0a-\x1f\x7f]|^[\t ]|[\t ]$/.test(value) ? undefined : value
}

/** What `headerValue` was made from. */
export const headerText = (value: string): string =>
  new TextDecoder().decode(Uint8Array.from(value, (byte) => byte.charCodeAt(0)))

/** Whether an id is too long to be sent at all. */
export const isTooLong = (id: string): boolean => new TextEncoder().encode(id).length > LONGEST_ID

/**
 * Remembers which ids were delivered, at most `size` of them. Only a later body may repeat one: within a body, one id on
 * several events is the server's will.
 */
export function createSeen(size: number): (id: string, body: number) => boolean {
  const bodies = new Map<string, number>()
  return (id, body) => {
    const earlier = bodies.get(id)
    if (earlier !== undefined && earlier < body) return true
    bodies.delete(id)
    bodies.set(id, body)
    if (bodies.size > size) for (const [oldest] of bodies) return !bodies.delete(oldest)
    return false
  }
}
