/** A moment for the mock server's bytes to be read, and one frame for what came. */
export async function frame(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5))
  await new Promise(requestAnimationFrame)
}
