import { parseArgs } from 'node:util'
import { SCENARIOS, type Scenario } from './faults.ts'
import { judge } from './judge.ts'
import { type PeerName, peers } from './peers.ts'
import { type Outcome, run } from './run.ts'

// `npm run soak -- --help`. A process of its own, so that what is left over at the end is the client's.
const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    peer: { type: 'string' },
    cuts: { type: 'string' },
    seed: { type: 'string' },
    clients: { type: 'string' },
    patience: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** All of it: the storm, and each kind of fault alone. */
const PROGRAMME: [Scenario, PeerName, cuts: number][] = [
  ['storm', 'unmissed', 10_000],
  ['network', 'unmissed-hub', 3_000],
  ['cuts', 'unmissed-wild', 2_000],
  ['again', 'unmissed', 1_000],
  ['ends', 'unmissed', 1_000],
  ['garbage', 'unmissed', 1_000],
  ['bad-chunk', 'unmissed', 500],
  ['drip', 'unmissed', 200],
  ['half-open', 'unmissed', 400],
  ['refusals', 'unmissed', 500],
  ['wrong-type', 'unmissed-stubborn', 500],
]

/** The `retry` of the server in all runs, in milliseconds: well above what the rig's own clock may be wrong by. */
const RETRY = 25

async function main() {
  const { scenario, peer, cuts, seed = String(Date.now() % 1_000_000), json } = values
  const unknown = (scenario && !(scenario in SCENARIOS)) || (peer && !(peer in peers))
  if (values.help || unknown) {
    console.log(`--scenario ${Object.keys(SCENARIOS).join('|')}\n--peer ${Object.keys(peers).join('|')}`)
    console.log('--cuts <number> --seed <number> --clients 4 --patience <milliseconds> --json')
    if (unknown) process.exitCode = 2
    return
  }
  const programme: typeof PROGRAMME = scenario
    ? [[scenario as Scenario, (peer ?? 'unmissed') as PeerName, Number(cuts ?? 1_000)]]
    : PROGRAMME
  for (const [name, who, count] of programme) {
    const clients = Number(values.clients ?? 4)
    const outcome = await run({
      peer: peers[who],
      scenario: name,
      cuts: count,
      seed: Number(seed),
      clients,
      retry: RETRY,
      patience: Number(values.patience ?? 20_000),
    })
    const broken = judge(outcome, clients)
    if (broken.length > 0) process.exitCode = 1
    console.log(json ? JSON.stringify({ ...outcome, broken }) : told(name, who, outcome, broken))
  }
}

function told(scenario: Scenario, peer: PeerName, outcome: Outcome, broken: string[]): string {
  const { seed, cuts, attempts, events, milliseconds, waits, noticed, bytesPerCut } = outcome
  const first = `${scenario} · ${peer} · seed ${seed}: ${broken.length === 0 ? 'nothing broken' : 'BROKEN'}`
  const spread = ({ count, p50, p95, max }: typeof waits) =>
    count > 0 ? `${p50} / ${p95} / ${max} ms (p50, p95, max of ${count})` : 'none'
  return [
    first,
    `  ${cuts} cuts, ${attempts} attempts, ${events} events in ${Math.round(milliseconds / 100) / 10} s`,
    `  waits ${spread(waits)}`,
    `  dead links noticed after ${spread(noticed)}`,
    `  ${bytesPerCut} bytes of heap per cut`,
    ...broken.map((each) => `  ! ${each}`),
  ].join('\n')
}

await main()
// A client that leaves something behind must not keep us here.
process.stdout.write('', () => process.exit())
