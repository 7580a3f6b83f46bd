export const pages: string[]
export function textOf(page: string): string
export function anchorsOf(text: string): string[]
export function linksOf(text: string): string[]
