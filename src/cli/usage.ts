/** Said by `--help`; fits a screen of 80 by 24. */
export const HELP = `unmissed <url>      tail a stream of server-sent events, and reconnect
unmissed serve      publish the lines of standard input as events
unmissed doctor <url>   check a stream, and say what to change

  -H, --header <line>     send a header, as curl does        (repeatable)
  -X, --request <method>  send another method
  -d, --data <text>       send a body: POST (@file, or @- for standard input)
  -u, --user <name:word>  send basic credentials
  -e, --event <types>     print only these types, comma-separated
  -j, --json              print one line of JSON per event
  -r, --raw               print each event as a frame
  -t, --timestamps        begin each line with the time
  -n, --max <count>       stop after so many events
      --until <data>      stop before the event with this data, such as [DONE]
      --last-id <id>      resume after this id
      --resume <file>     keep the last id in a file, and resume after it
      --no-reconnect      stop when the stream ends or breaks
      --idle <seconds>    reconnect when the stream is silent for so long
      --stats             say at the end what there was
  -s, --silent            no status line      -v, --verbose   print the headers
serve: --port 3000 --host 127.0.0.1 --event <type> --json --history 1000
       --cors <origin> --exit (when the input ends)
doctor: --wait 10 (seconds) --origin <origin> (of a page that is to read it)
Exit codes: 0 ended, 1 failed, 2 not understood, 130 interrupted.
`

/** A mistake on the command line, told with exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}
