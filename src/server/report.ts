/** Tells an error to `onError`, whose own errors go nowhere. */
export function report(
  error: unknown,
  { onError = console.error }: { onError?: ((error: unknown) => void) | undefined },
): void {
  try {
    onError(error)
  } catch {}
}
