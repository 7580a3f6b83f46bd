/** The courses of all herds as JSON, for the table in the README. */
import { herd, type Policy, policies, worlds } from './policies.ts'

const rows = Object.entries(worlds).map(([world, options]) => ({
  world,
  ...Object.fromEntries(
    (Object.keys(policies) as Policy[]).map((policy) => {
      const { peak, allBack } = herd(policy, options)
      return [policy, { peak, allBack: Number.isFinite(allBack) ? Math.round(allBack / 1000) : null }]
    }),
  ),
}))
process.stdout.write(JSON.stringify({ rows }))
