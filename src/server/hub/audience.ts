import { callable, type Rules, text } from '../../check/rules.ts'
import type { Message } from '../../log/log.ts'
import { encode } from '../../protocol/encode.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { check, OptionError } from '../check.ts'
import { isCarriable, LONGEST_ID } from '../http/headers.ts'

/** Whom an event is for. Each property narrows; one that is there must have a value, and at least one must be. */
export interface Audience<Subscriber = unknown> {
  /** Subscribers of this topic; together with `topics`, of any of them. */
  topic?: string
  /** Subscribers of any of these topics. */
  topics?: readonly string[]
  /** The connections of one user. */
  user?: string
  /** One connection, by the id of its subscriber. */
  client?: string
  /** All but this connection, which sent it. */
  except?: string
  /** Subscribers for which this is true. Only where messages do not leave the process. */
  where?: (subscriber: Subscriber) => boolean
}

/** Everyone, in so many words. */
export type Everyone = 'everyone'

const RULES: Rules = {
  topic: text,
  topics: {
    is: (value) => Array.isArray(value) && value.length > 0 && value.every(text.is),
    must: 'an array of at least one string, none of them empty',
  },
  user: text,
  client: text,
  except: text,
  where: callable,
}

/** Throws for an audience that cannot be meant: one that is empty by accident would be everyone. */
export function checkAudience<Subscriber>(
  audience: Audience<Subscriber> | Everyone | undefined,
  whose = 'an audience',
): Audience<Subscriber> {
  if (audience === undefined || audience === 'everyone') return {}
  check(whose, audience, RULES, { present: true })
  if (Object.keys(audience).length === 0) {
    throw new OptionError(`${whose} is empty: name somebody, or say "everyone"`)
  }
  return audience
}

/** The message of an event. Throws for what no reader would read back, before any log has it. */
export function toMessage(event: OutgoingEvent, audience: Audience | Everyone | undefined): Message {
  const { topic, topics, user, client, except, where } = checkAudience(audience)
  if (typeof event !== 'object' || event === null) throw new OptionError('an event is an object: { type, data }')
  const { type, data, id, retry } = event
  if (type === 'gap') throw new OptionError('the type gap is the hub’s own: it tells readers what they missed')
  if (id !== undefined && !isId(id)) {
    throw new OptionError(
      `id must have 1 to ${LONGEST_ID} characters, no space at its ends and none that a header cannot carry`,
    )
  }
  // Readers dispatch nothing for an event without a data line, and an event of that name is what was asked for.
  const frame = encode({ type, data: data === undefined && type ? '' : data, retry })
  return {
    frame,
    type: type || 'message',
    json: data !== undefined && typeof data !== 'string',
    id,
    topics: topic === undefined ? topics && [...topics] : [topic, ...(topics ?? [])],
    user,
    client,
    except,
    where,
  }
}

// A header's value is trimmed on its way (RFC 9110 §5.5): the id would come back as another one.
function isId(id: unknown): boolean {
  return typeof id === 'string' && id !== '' && !/^[\t ]|[\t ]$/.test(id) && isCarriable(id)
}
