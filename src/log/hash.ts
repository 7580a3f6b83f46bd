/**
 * A number for a name, the same everywhere: FNV-1a, and the last steps of MurmurHash3, which spread what differs only at the
 * end. Which place a name has depends on it, so it never changes.
 */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
