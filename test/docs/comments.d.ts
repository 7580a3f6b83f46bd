export function fill(markdown: string): string
