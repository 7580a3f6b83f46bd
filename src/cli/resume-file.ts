import { accessSync, constants, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from './usage.ts'

/** The file of `--resume`. What would keep it from being written is told before anything is asked. */
export function resumeFile(file: string) {
  // A name of its own, because several processes may write to one file.
  const next = `${file}.${process.pid}.new`
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch (error) {
    throw new UsageError(`--resume cannot write ${file}: ${(error as Error).message}`)
  }
  return {
    /** The id that was kept, if any. An editor or `echo` ends it with a line end, which no id has. */
    load(): string | undefined {
      try {
        return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw new UsageError(`--resume cannot read ${file}: ${(error as Error).message}`)
      }
    },
    /** As a whole or not at all: half an id would resume anywhere. */
    save(id: string): void {
      try {
        writeFileSync(next, id)
        renameSync(next, file)
      } catch (error) {
        rmSync(next, { force: true })
        throw new Error(`--resume cannot write ${file}: ${(error as Error).message}`)
      }
    },
  }
}
