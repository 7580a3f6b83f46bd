import { departures } from '../protocol/departures.ts'
import { peers } from '../protocol/peers.ts'

/** What the differential test has proved of each peer's parser, as a table. */
export function peersTable(): string {
  const rows = peers.map(
    ({ name, departs }) => `| ${name} | ${departs.map((departure) => departures[departure].does).join('; ')} |`,
  )
  return ['| parser | where it departs from the standard |', '| --- | --- |', '| `unmissed` | nowhere |', ...rows].join(
    '\n',
  )
}

/** Fills `<!-- peers -->` … `<!-- /peers -->`. */
export function fillPeers(markdown: string): string {
  return markdown.replace(
    /(<!-- peers -->\n)[\s\S]*?(<!-- \/peers -->)/,
    (_, open, close) => `${open}${peersTable()}\n${close}`,
  )
}
