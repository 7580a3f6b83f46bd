import { createServer } from 'node:http'
import { GraphQLInt, GraphQLObjectType, GraphQLSchema } from 'graphql'
import { createHandler } from 'graphql-sse/lib/use/http'
import { LAST, numbers } from './numbers.mjs'

const fields = { n: { type: GraphQLInt } }
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      n: {
        type: GraphQLInt,
        async *subscribe() {
          for await (const n of numbers()) {
            yield { n }
            if (n === LAST) return
          }
        },
      },
    },
  }),
})
createServer(createHandler({ schema })).listen(Number(process.env.PORT), '127.0.0.1')
