// One list for every runtime. Plain modules that import the package by its own name: nothing here knows where it runs.
import { parse } from './parse.js'

export const list = [...parse]
