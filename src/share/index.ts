export type { Share } from '../client/share.ts'
export { type SharedOptions, shared } from './shared.ts'
