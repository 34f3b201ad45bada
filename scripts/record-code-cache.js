// Runs a program and, when told that it is warm, writes what V8 compiled of it: see code-cache.js.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

const [, , program = '', cache = '', flags = ''] = process.argv
// As the program does it: on the command line they would count as others.
setFlagsFromString(flags)
const script = new Script(readFileSync(program, 'utf8'), { filename: program })
process.argv = [process.argv0, program]
process.once('message', () => {
  writeFileSync(cache, script.createCachedData())
  process.exit(0)
})
const module = { exports: {} }
/** @type {unknown} */
const run = script.runInThisContext()
if (typeof run !== 'function') throw new TypeError('the program is not wrapped in a function')
Reflect.apply(run, undefined, [
  module.exports,
  createRequire(program),
  module,
  program,
  dirname(program),
])
