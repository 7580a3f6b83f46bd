/** What an option may be: a sentence for whoever gave something else, and the test. */
export interface Rule {
  readonly is: (value: unknown) => boolean
  readonly must: string
}

const isAmount = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < Infinity

/** Milliseconds; fractions are no harm to a timer. */
export const milliseconds: Rule = { is: isAmount, must: 'a number of milliseconds, 0 or more' }
/** Seconds, as a header says them. */
export const seconds: Rule = { is: isAmount, must: 'a number of seconds, 0 or more' }
/** A bound: infinite is none. */
export const bound: Rule = {
  is: (value) => typeof value === 'number' && value >= 0,
  must: 'a number, 0 or more',
}
/** What is written to the wire as digits (§9.2.6 "retry"). */
export const wholeMilliseconds: Rule = {
  is: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  must: 'a whole number of milliseconds, 0 or more',
}
export const text: Rule = {
  is: (value) => typeof value === 'string' && value !== '',
  must: 'a string that is not empty',
}
export const texts: Rule = {
  is: (value) => Array.isArray(value) && value.every(text.is),
  must: 'an array of strings that are not empty',
}
export const callable: Rule = { is: (value) => typeof value === 'function', must: 'a function' }
/** Any text, also none. */
export const string: Rule = { is: (value) => typeof value === 'string', must: 'a string' }
/** What a wait grows by. */
export const factor: Rule = {
  is: (value) => bound.is(value) && (value as number) >= 1,
  must: 'a number, 1 or more',
}
/** What `Headers` is made of; it checks names and values itself. */
export const headersInit: Rule = { is: (value) => typeof value === 'object', must: 'an object of headers' }
/** Statuses of HTTP. */
export const statuses: Rule = {
  is: (value) => Array.isArray(value) && value.every((each) => Number.isInteger(each) && each >= 100 && each < 600),
  must: 'an array of statuses, such as [429, 503]',
}
export const anything: Rule = { is: () => true, must: 'anything' }
/** A name that fits on one line of a stream. */
export const eventType: Rule = {
  is: (value) => typeof value === 'string' && value !== '' && !/[\r\n\0]/.test(value),
  must: 'the type of an event: a string without CR, LF or NUL',
}
export const flag: Rule = { is: (value) => typeof value === 'boolean', must: 'true or false' }
export const object: Rule = {
  is: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  must: 'an object',
}
// RFC 9110 §5.6.2 and §5.5.
const isToken = (value: unknown): boolean => typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value)
/** A name as HTTP has it. */
export const token: Rule = { is: isToken, must: 'a name as HTTP has it: without spaces, commas or line ends' }
/** Names of methods, or of header fields, as they stand in a list of them. */
export const tokens: Rule = {
  is: (value) => Array.isArray(value) && value.every(isToken),
  must: 'an array of names as HTTP has them: without spaces, commas or line ends',
}
export const headerFields: Rule = {
  is: (value) =>
    object.is(value) &&
    Object.entries(value as object).every(
      ([name, field]) => isToken(name) && typeof field === 'string' && !/[^\t\x20-\x7e\x80-\xff]/.test(field),
    ),
  must: 'an object of header fields: names that are tokens, and values in Latin-1 on one line',
}

export const oneOf = (...values: readonly string[]): Rule => ({
  is: (value) => values.includes(value as string),
  must: values.map((value) => JSON.stringify(value)).join(' or '),
})

export function or(...rules: Rule[]): Rule {
  return {
    is: (value) => rules.some((rule) => rule.is(value)),
    must: rules.map(({ must }) => must).join(', or '),
  }
}

export type Rules = Readonly<Record<string, Rule>>
