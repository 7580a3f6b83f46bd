export interface ListedTest {
  capability: string
  name: string
  run(t: TestApi): unknown
}
export interface TestApi {
  base: string
  undo: (() => void)[]
}
export function testApi(base: string): TestApi
