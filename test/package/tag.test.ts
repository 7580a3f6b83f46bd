import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { listen, shut } from '../helpers/listen.ts'
import { refusal } from './tag.js'

/** The two questions that GitHub is asked, answered in its words. */
async function github(answers: Record<string, unknown>) {
  const asked: (string | undefined)[] = []
  const server = createServer(({ url = '', headers }, response) => {
    asked.push(headers.authorization)
    const answer = answers[url.replace('/repos/unmissed/unmissed/git/', '')]
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}))
  })
  const GITHUB_API_URL = `http://127.0.0.1:${await listen(server)}`
  onTestFinished(() => shut(server))
  return { asked, env: { GITHUB_API_URL, GITHUB_REPOSITORY: 'unmissed/unmissed', GH_TOKEN: 'secret' } }
}
const annotated = { object: { type: 'tag', sha: 'a1' } }

test('a tag that its maintainer signed is a release', async () => {
  const { env, asked } = await github({
    'ref/tags/v1.2.3': annotated,
    'tags/a1': { verification: { verified: true, reason: 'valid' } },
  })
  expect(await refusal('v1.2.3', '1.2.3', env)).toBeUndefined()
  expect(asked).toEqual(['Bearer secret', 'Bearer secret'])
})

test('a tag without a signature, or with one that nobody knows, is none', async () => {
  const { env } = await github({
    'ref/tags/v1.0.0': { object: { type: 'commit', sha: 'c1' } },
    'ref/tags/v1.0.1': annotated,
    'tags/a1': { verification: { verified: false, reason: 'unknown_key' } },
  })
  expect(await refusal('v1.0.0', '1.0.0', env)).toBe('v1.0.0 is not a signed tag: make it with git tag -s')
  expect(await refusal('v1.0.1', '1.0.1', env)).toBe('the signature of v1.0.1 is unknown_key')
})

test('a tag of another version is none, and one that cannot be asked for stops the release', async () => {
  const { env } = await github({})
  expect(await refusal('v2.0.0', '1.0.0', env)).toBe('the tag is v2.0.0, and the package says 1.0.0')
  await expect(refusal('v1.0.0', '1.0.0', env)).rejects.toThrow('/git/ref/tags/v1.0.0 answered 404')
})
