/** Runs a list of tests one after another, so that each has the runtime's few connections for itself. */
export async function runList(list, base, limit = 10_000) {
  const results = []
  for (const { capability, name, run } of list) {
    const began = Date.now()
    const t = testApi(base)
    let error
    try {
      await t.within(limit, run(t))
    } catch (reason) {
      error = String(reason?.stack?.includes(reason.message) ? reason.stack : `${reason}\n${reason?.stack ?? ''}`)
    }
    for (const undo of t.undo.reverse()) undo()
    results.push({ capability, name, ms: Date.now() - began, ...(error === undefined ? {} : { error }) })
  }
  return results
}

/** What a test may use: streams that answer by script, and assertions that need no framework. */
export function testApi(base) {
  const undo = []
  return {
    base,
    undo,
    /** Has `work` done when the test is over, whatever became of it. */
    after: (work) => void undo.push(work),
    /** Makes a stream that answers its n-th request with the n-th answer (see server.ts); `origin` replaces 127.0.0.1. */
    async stream(answers, { origin = base } = {}) {
      const response = await fetch(`${base}/streams`, { method: 'POST', body: JSON.stringify(answers) })
      const { id } = await response.json()
      const seen = async () => (await fetch(`${base}/streams/${id}/seen`)).json()
      return { url: `${origin}/streams/${id}`, path: `/streams/${id}`, seen }
    },
    /** The other origin under which the server answers. */
    elsewhere: base.replace('127.0.0.1', 'localhost'),
    /** Another origin of the same site, which answers as this one. */
    sibling: async () => (await fetch(`${base}/sibling`)).json(),
    sleep,
    /** The promise, or an error if it takes longer. */
    async within(ms, promise) {
      let timer
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`took more than ${ms} ms`)), ms)
      })
      return Promise.race([promise, late]).finally(() => clearTimeout(timer))
    },
    /** Resolves with the first truthy value that `probe` gives. */
    async until(probe, what = probe) {
      for (const end = Date.now() + 5000; Date.now() < end; await sleep(10)) {
        const value = await probe()
        if (value) return value
      }
      throw new Error(`never came true: ${what}`)
    },
    equal(actual, expected, what = '') {
      const [a, b] = [canonical(actual), canonical(expected)]
      if (a !== b) throw new Error(`${what && `${what}: `}expected ${b}\n          but got ${a}`)
    },
    ok(value, what) {
      if (!value) throw new Error(what)
    },
    throws(act, type) {
      try {
        act()
      } catch (error) {
        if (error instanceof type) return error
        throw new Error(`expected a ${type.name}, got ${error}`)
      }
      throw new Error(`expected a ${type.name}, but nothing was thrown`)
    },
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const canonical = (value) =>
  JSON.stringify(value, (_, inner) => (inner === undefined ? '[undefined]' : inner)) ?? '[undefined]'
