export function reference(): string
