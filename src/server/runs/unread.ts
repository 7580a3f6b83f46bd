import { startTimer } from '../../log/timer.ts'
import type { Lease } from './lease.ts'
import type { Producing } from './producing.ts'

/** Stops a run when nobody, in any process, has read it for so many milliseconds. */
export function watchReaders(producing: Producing, life: string, after: number, lease: Lease): void {
  let readAt = performance.now()
  const look = async (): Promise<void> => {
    if (lease.readersHere(life) > 0) readAt = performance.now()
    if (performance.now() - readAt < after || producing.isOver) return
    // Where nobody knows, somebody may be there.
    const readers = await lease.readersOf(life).catch(() => 1)
    if (readers > 0) readAt = performance.now()
    else await producing.stop('unread')
  }
  const timer = startTimer(after / 4, () => void look())
  void producing.ended.then(timer.stop)
}
