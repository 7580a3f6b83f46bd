/** Text as bytes of UTF-8. Node's streams make a Buffer of every other kind that they are given, once per reader. */
export function toBytes(text: string): Uint8Array {
  return globalThis.Buffer ? Buffer.from(text) : new TextEncoder().encode(text)
}

/** How many bytes that will be. */
export function sizeOf(text: string): number {
  return globalThis.Buffer ? Buffer.byteLength(text) : toBytes(text).length
}
