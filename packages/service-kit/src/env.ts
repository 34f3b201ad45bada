import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse as parseDotenv } from 'dotenv'
import * as z from 'zod'
import { errorCode } from './error-code.js'
import { isSecretKey } from './pubkey.js'

const SECRET = 'holds a SECRET key, which has no place here: take it out, and treat it as leaked'

/** Variables by name; a missing one is undefined. */
export type Env = Record<string, string | undefined>

/** Everything that is wrong with the configuration, one sentence for each problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/**
 * The environment over the `.env` file in `folder`, without blank values, which count as unset.
 *
 * Throws a ConfigError when `.env` exists but can't be read.
 */
export function loadEnv(env: Env, folder: string): Env {
  return { ...withoutBlanks(readDotenv(join(folder, '.env'))), ...withoutBlanks(env) }
}

function readDotenv(path: string): Env {
  try {
    return parseDotenv(readFileSync(path, 'utf8').replace(/^\ufeff/, ''))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {}
    throw new ConfigError([`.env can't be read (${errorCode(error)}): make it a readable file`])
  }
}

function withoutBlanks(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()))
}

/**
 * A variable that `parse` turns into a value. `parse` gets the text without white space around it and
 * throws an Error whose message says what is wrong; the variable's name is put before it.
 */
export function variable<T>(parse: (text: string) => T) {
  return z.string({ error: 'is required' }).transform((text, context) => {
    try {
      if (isSecretKey(text)) throw new Error(SECRET)
      return parse(text.trim())
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
      return z.NEVER
    }
  })
}

/**
 * Reads the variables that `schema` names, all of them. `conflicts` are the problems that no variable has alone.
 *
 * Throws a ConfigError with every problem at once; no problem repeats a value.
 */
export function parseEnv<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Env,
  conflicts: readonly string[] = [],
): z.output<z.ZodObject<Shape>> {
  const result = schema.safeParse(env)
  if (result.success && conflicts.length === 0) return result.data
  const problems = result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new ConfigError([...(problems ?? []), ...conflicts])
}
