/**
 * Names of the web that TypeScript's `DOM` library has and Node's types lack: each is taken from a class or function that both
 * have, so that all entries compile without `DOM` too.
 */
export type HeadersInit = NonNullable<ConstructorParameters<typeof Headers>[0]>
export type BodyInit = NonNullable<ConstructorParameters<typeof Response>[0]>
export type RequestInfo = string | Request
export type RequestRedirect = NonNullable<RequestInit['redirect']>
export type AddEventListenerOptions = Parameters<EventTarget['addEventListener']>[2]
export type EventListenerOptions = Parameters<EventTarget['removeEventListener']>[2]
export type AnyEventListener = NonNullable<Parameters<EventTarget['addEventListener']>[1]>
/** A `MessageEvent` with data of this type, where the class has no parameter for it. */
export type MessageEventOf<Data> = Omit<MessageEvent, 'data'> & { readonly data: Data }
