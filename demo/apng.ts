/** PNGs of one size as one that moves: PNG, third edition, §11.3.6 (the chunks acTL, fcTL and fdAT). */
import { crc32 } from 'node:zlib'

const SIGNATURE = 8

interface Chunk {
  readonly type: string
  readonly data: Buffer
}

function chunksOf(png: Buffer): Chunk[] {
  const chunks: Chunk[] = []
  for (let at = SIGNATURE; at < png.length; ) {
    const length = png.readUInt32BE(at)
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) })
    at += length + 12
  }
  return chunks
}

function written(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  return Buffer.concat([number(data.length), body, number(crc32(body))])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Each picture is shown for `pace` milliseconds, the last one for `stays`; it goes on for ever. */
export function animate(pictures: readonly Buffer[], pace: number, stays: number): Buffer {
  const first = pictures[0] as Buffer
  const head = chunksOf(first).find(({ type }) => type === 'IHDR')?.data as Buffer
  let sequence = 0
  const frames = pictures.flatMap((png, at) => {
    const time = Buffer.alloc(4)
    time.writeUInt16BE(at === pictures.length - 1 ? stays : pace)
    time.writeUInt16BE(1000, 2)
    const control = Buffer.concat([
      number(sequence++),
      head.subarray(0, 8), // its width and height
      Buffer.alloc(8), // at the corner
      time,
      Buffer.alloc(2), // it stays, and the next one replaces it
    ])
    const data = Buffer.concat(chunksOf(png).flatMap(({ type, data }) => (type === 'IDAT' ? [data] : [])))
    return [
      written('fcTL', control),
      at === 0 ? written('IDAT', data) : written('fdAT', Buffer.concat([number(sequence++), data])),
    ]
  })
  return Buffer.concat([
    first.subarray(0, SIGNATURE),
    written('IHDR', head),
    written('acTL', Buffer.concat([number(pictures.length), number(0)])),
    ...frames,
    written('IEND', Buffer.alloc(0)),
  ])
}
