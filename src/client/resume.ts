/** Keeps the last event id over a reload; both may be asynchronous. */
export interface Resume {
  /** Called once, before the first attempt, which waits for it without a limit; after a failure once more. */
  load?: (() => string | null | undefined | Promise<string | null | undefined>) | undefined
  /** Called with the id of the newest event that everybody has handled: listeners ran, what they promised came, loops went on. For a run with its address before it, and a line end between them; with nothing when that is over. */
  save?: ((id: string) => unknown) | undefined
}

/** What `storage` needs: `localStorage`, `sessionStorage`, React Native's AsyncStorage. */
export interface KeyValueStore {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): unknown
}

export interface StorageOptions {
  /** Reads a run from its beginning again after a reload, where what was shown of it is gone with the page; any other stream goes on where it was. The hooks do so by themselves. Default: false. */
  whole?: boolean | undefined
}

/** Keeps the last event id in a store, for the `resume` option. A store that is full or forbidden is no reason to stop. */
export function storage(store: KeyValueStore, key = 'unmissed:lastEventId', { whole }: StorageOptions = {}) {
  return {
    async load(): Promise<string | null | undefined> {
      try {
        const place = await store.getItem(key)
        // That of a run has its address in the first line: without what comes after it, it is the beginning.
        return whole ? place?.replace(/\n[\s\S]*/, '\n') : place
      } catch {
        return undefined
      }
    },
    async save(id: string): Promise<void> {
      try {
        await store.setItem(key, id)
      } catch {}
    },
  }
}

/** The most bytes of an id that are sent: servers refuse a head of more than 8 to 16 KiB with 431, for ever. */
export const LONGEST_ID = 4096

/** The UTF-8 bytes of an id, one character each, as a header has to carry them: it is a ByteString (§9.2.3). */
export const toBytes = (id: string): string =>
  Array.from(new TextEncoder().encode(id), (byte) => String.fromCharCode(byte)).join('')

/** The id whose bytes a header carried. */
export const fromBytes = (bytes: string): string =>
  new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))

/** What no header can carry: control characters are refused, and white space at the ends is cut off. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const UNSENDABLE = /[\0-\x08\n-\x1f\x7f]|^[\t ]|[\t ]$/

/** The same text in memory of its own: a piece of a chunk would keep all of the chunk. */
export const copy = (text: string): string => ` ${text}`.slice(1)

/**
 * Tells which ids an earlier body delivered, of the newest `size`. Within a body, one id on several events is the
 * server's will.
 */
export function createSeen(size: number): (id: string, body: number) => boolean {
  const bodies = new Map<string, number>()
  return (id, body) => {
    // What cannot be sent is not resumed after, either.
    if (id.length > LONGEST_ID) return false
    if ((bodies.get(id) ?? body) < body) return true
    bodies.delete(id)
    bodies.set(copy(id), body)
    if (bodies.size > size) bodies.delete(bodies.keys().next().value as string)
    return false
  }
}
