import 'reflect-metadata'
import { Controller, Headers, Module, Sse } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { from, map } from 'rxjs'
import { numbers } from './numbers.mjs'

class Numbers {
  events(lastEventId) {
    return from(numbers(lastEventId)).pipe(map((n) => ({ id: String(n), data: String(n) })))
  }
}
Sse('events')(Numbers.prototype, 'events', Object.getOwnPropertyDescriptor(Numbers.prototype, 'events'))
Headers('last-event-id')(Numbers.prototype, 'events', 0)
Controller()(Numbers)

class App {}
Module({ controllers: [Numbers] })(App)

const app = await NestFactory.create(App, { logger: ['error'] })
await app.listen(Number(process.env.PORT), '127.0.0.1')
