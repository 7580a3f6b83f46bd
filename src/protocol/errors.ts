/** What every error of this package is: a message for people, and a `code` that stays the same for programs. */
export class UnmissedError<Code extends string = string> extends Error {
  override name = 'UnmissedError'
  readonly code: Code

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
