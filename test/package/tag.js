/**
 * `node test/package/tag.js v0.2.0`, in a workflow of GitHub: refuses a tag that is not this package's version, or that
 * nobody signed with a key that GitHub knows as theirs. A tag is pushed by anybody who may push; a signature is one person's.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What keeps a tag from being a release; nothing where it may be one. */
export async function refusal(tag, version, { GITHUB_API_URL, GITHUB_REPOSITORY, GH_TOKEN }) {
  if (tag !== `v${version}`) return `the tag is ${tag}, and the package says ${version}`
  const ask = async (path) => {
    const response = await fetch(`${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/git/${path}`, {
      headers: { authorization: `Bearer ${GH_TOKEN}`, accept: 'application/vnd.github+json' },
    })
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}`)
    return response.json()
  }
  const { object } = await ask(`ref/tags/${tag}`)
  // A tag without an object of its own is a name for a commit, and carries no signature.
  if (object.type !== 'tag') return `${tag} is not a signed tag: make it with git tag -s`
  const { verification } = await ask(`tags/${object.sha}`)
  return verification.verified ? undefined : `the signature of ${tag} is ${verification.reason}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const why = await refusal(process.argv[2], version, process.env)
  if (why) {
    console.error(why)
    process.exitCode = 1
  }
}
