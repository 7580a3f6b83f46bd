import type { Outcome } from './run.ts'

/** What each client may hold at a time: connections that are going and coming, the waits of the rig beside its own. */
const SOCKETS = 6
const TIMERS = 8
const LISTENERS = 2

/** How much a cut may add to the heap, in bytes. A client that keeps nothing shows some hundreds in a short run: its machine code. */
const BYTES = 3_000
/** Before so many cuts, warming up hides the rest. */
const WARM = 1_000

/** Every promise that a run saw broken, in words; an empty list is a pass. */
export function judge(outcome: Outcome, clients: number): string[] {
  const { most, left, cuts, bytesPerCut } = outcome
  const counts = {
    lost: outcome.lost,
    doubled: outcome.doubled,
    'out of order': outcome.late,
    corrupt: outcome.corrupt,
    'not of the log': outcome.alien,
    'resumes after an id that never was': outcome.badIds,
    'requests too early': outcome.early,
    'attempts beside a live one': outcome.doubleAttempts,
    'sockets left': left.sockets,
    'answers left': left.answers,
    'timers left': left.timers,
    'listeners left': left.listeners,
  }
  const broken = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? `${what}: ${count}` : []))
  if (most.sockets > SOCKETS * clients) broken.push(`sockets grow: ${most.sockets}`)
  if (most.timers > TIMERS * clients) broken.push(`timers grow: ${most.timers}`)
  if (most.listeners > LISTENERS * clients) broken.push(`listeners grow: ${most.listeners}`)
  if (cuts >= WARM && bytesPerCut > BYTES) broken.push(`memory grows: ${bytesPerCut} bytes per cut`)
  for (const client of outcome.stuck) broken.push(`stuck: ${client}`)
  for (const error of outcome.unhandled) broken.push(`unhandled: ${error}`)
  for (const warning of outcome.warnings) broken.push(`warning: ${warning}`)
  return [...broken, ...(broken.length > 0 ? outcome.firstFaults : [])]
}
