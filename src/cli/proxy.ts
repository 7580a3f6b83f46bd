import { type ClientRequest, type ClientRequestArgs, request as httpRequest, type IncomingMessage } from 'node:http'
import { BlockList, connect as connectPlain, isIP, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { connect as connectSecure } from 'node:tls'
import { basic, decoded } from './args.ts'
import { UsageError } from './usage.ts'

// The fetch of Node 20 knows no proxy, and its newer ones only on request: these requests are made by hand.

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy that the environment names for an address, by the rules of curl: `http_proxy` only in small letters, because
 * HTTP_PROXY is what a client's `Proxy` header becomes in a CGI; the others also in capitals; an empty one is none.
 */
export function proxyFor(url: URL, env: Environment = process.env): URL | undefined {
  const { http_proxy, https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY, no_proxy, NO_PROXY } = env
  const own = url.protocol === 'https:' ? (https_proxy ?? HTTPS_PROXY) : http_proxy
  const text = own ?? all_proxy ?? ALL_PROXY
  if (!text || bypasses(url, no_proxy ?? NO_PROXY ?? '')) return undefined
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const proxy = URL.canParse(full) ? new URL(full) : undefined
  if (!proxy || !/^https?:$/.test(proxy.protocol))
    throw new UsageError(`the environment names a proxy that is none of http or https; say no_proxy=${url.hostname}`)
  // The port of the scheme is left out of an URL, and where none is written it is 1080 for curl.
  if (!proxy.port && proxy.protocol === 'http:' && !/:80\/?$/.test(full)) proxy.port = '1080'
  return proxy
}

/** Whether an address is one of the list: a name with all that ends in it, an address, a network, or `*`. */
function bypasses(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$|\.$/g, '')
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '*') return true
      const [, name = '', port] = /^\.?([^:]*|\[?[^\]]*:[^\]]*\]?)(?::(\d+))?$/.exec(entry) ?? []
      if (!name || (port && port !== (url.port || (url.protocol === 'https:' ? '443' : '80')))) return false
      return isIP(host) ? isWithin(host, name.replace(/^\[|\]$/g, '')) : host === name || host.endsWith(`.${name}`)
    })
}

function isWithin(host: string, network: string): boolean {
  const [address = '', bits] = network.split('/')
  if (!isIP(address) || isIP(address) !== isIP(host)) return false
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
  const most = family === 'ipv4' ? 32 : 128
  const prefix = bits === undefined ? most : Number(bits)
  if (!(prefix >= 0 && prefix <= most)) return false
  const block = new BlockList()
  block.addSubnet(address, prefix, family)
  return block.check(host, family)
}

/** One request through a proxy, as fetch would make it without following redirects. */
export async function fetchThrough(proxy: URL, url: URL, init: RequestInit): Promise<Response> {
  const { method = 'GET', headers, body, signal } = init
  const own = { host: url.host, ...Object.fromEntries(new Headers(headers)) }
  const asked = { method, ...(signal && { signal }) }
  let request: ClientRequest
  if (url.protocol === 'https:') {
    const socket = await tunnel(proxy, url, signal)
    request = httpRequest({ ...asked, path: url.pathname + url.search, headers: own, createConnection: () => socket })
  } else
    request = httpRequest({
      ...asked,
      path: url.href.replace(/#.*/, ''),
      headers: { ...own, ...authorization(proxy) },
      createConnection: () => dial(proxy),
    })
  request.end(body ?? undefined)
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (message) => resolve(asResponse(message)))
  })
}

/** A connection to the address itself, through the proxy: encrypted from end to end. */
function tunnel(proxy: URL, url: URL, signal: AbortSignal | null | undefined): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const target = `${url.hostname}:${url.port || 443}`
  const asked: ClientRequestArgs = { method: 'CONNECT', path: target, ...(signal && { signal }) }
  const request = httpRequest({
    ...asked,
    headers: { host: target, ...authorization(proxy) },
    createConnection: () => dial(proxy),
  })
  request.end()
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    // Some answer a CONNECT that they refuse as any other request.
    request.on('response', (message) => {
      message.destroy()
      reject(new Error(`the proxy ${proxy.host} answered ${message.statusCode}`))
    })
    request.on('connect', ({ statusCode = 0 }, socket) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy()
        reject(new Error(`the proxy ${proxy.host} answered ${statusCode}`))
      } else resolve(secured(socket as Socket, host))
    })
  })
}

function dial({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, '')
  return protocol === 'https:' ? secured(undefined, host, Number(port || 443)) : connectPlain(Number(port || 80), host)
}

/** TLS over a socket, or over a new one. */
function secured(socket: Socket | undefined, host: string, port?: number): Socket {
  return connectSecure({
    ...(socket && { socket }),
    ...(port !== undefined && { port }),
    host,
    // An address is no name (RFC 6066 §3).
    ...(!isIP(host) && { servername: host }),
    ALPNProtocols: ['http/1.1'],
  })
}

function authorization({ username, password }: URL): Record<string, string> {
  if (!username && !password) return {}
  return { 'proxy-authorization': basic(`${decoded(username)}:${decoded(password)}`) }
}

function asResponse(message: IncomingMessage): Response {
  const { statusCode: status = 502, rawHeaders } = message
  const headers = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
  if ([204, 205, 304].includes(status)) {
    message.destroy()
    return new Response(null, { status, headers })
  }
  return new Response(Readable.toWeb(message) as ReadableStream<Uint8Array>, { status, headers })
}
