/** What is kept of a stream: its id, after the address and a line end where another request began it. An id has no line end. */
export const toPlace = (id: string, resource?: URL): string => (resource ? `${resource}\n${id}` : id)

/** The id, and the address, of what was kept. */
export function fromPlace(place: string): [id: string, resource?: URL] {
  const [id = '', resource] = place.split('\n').reverse()
  return resource ? [id, new URL(resource)] : [id]
}
