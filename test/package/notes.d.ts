export function notesOf(cwd: string, tag?: string): string
