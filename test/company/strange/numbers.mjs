/** What every server here sends: the numbers after the one that a reader has, each with itself as its id, and then nothing more. */
export const LAST = 300

export async function* numbers(lastEventId, pause = 5) {
  for (let n = Number(lastEventId || 0) + 1; n <= LAST; n++) {
    await new Promise((resolve) => setTimeout(resolve, pause))
    yield n
  }
  await new Promise(() => {})
}
