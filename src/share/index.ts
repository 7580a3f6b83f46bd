export type { Share } from '../client/share.ts'
export { type ShareOptions, shared } from './shared.ts'
