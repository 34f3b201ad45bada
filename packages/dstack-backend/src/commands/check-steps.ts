import { ConfigError, createLogger, type Env } from '@dstack-node/service-kit'
import { Agent } from 'undici'
import { parseConfig, type Config } from '../config.js'
import { AUTO } from '../inventory/registered-type.js'
import { createRegistryClient } from '../registry/registry-client.js'
import { checkAddress, checkOwner } from './check-address.js'
import { checkDstack } from './check-dstack.js'
import { checkGpus } from './check-gpus.js'
import { checkKey } from './check-key.js'
import { checkRegistry } from './check-registry.js'
import { checkWhitelist } from './check-whitelist.js'
import { skipped, STEP_NAMES, well, wrong, type Step } from './step.js'

/**
 * Looks at all that a start and the service after it need, and changes nothing. Each step is told when it is
 * known; with a configuration that is wrong, the other ones are not taken. Nothing takes longer than 5 s.
 */
export async function* takeSteps(loadEnv: () => Env): AsyncGenerator<Step> {
  const config = readConfig(loadEnv)
  if (config instanceof ConfigError) {
    yield* explainProblems(config)
    return
  }
  const log = await createLogger('check', { level: 'silent', format: 'json' }, {})
  yield well('configuration', describeConfig(config))
  yield checkOwner(config.owner)
  const { identity, step } = await checkKey(config.dataDir)
  yield step
  yield await checkAddress(config, log)
  const sample = await checkDstack(config, log)
  yield sample.step
  yield* checkGpus(config, sample.gpus)
  const client = createRegistryClient(config.registry, new Agent({ pipelining: 0 }))
  yield* checkRegistry({ client, config, identity, gpus: sample.gpus })
  yield await checkWhitelist(config.whitelist, identity)
}

function readConfig(loadEnv: () => Env): Config | ConfigError {
  try {
    return parseConfig(loadEnv())
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

function* explainProblems({ problems }: ConfigError): Generator<Step> {
  const nextStep = 'Correct it in the environment or in .env (the environment wins); see --help.'
  for (const problem of problems) yield wrong('configuration', problem, nextStep)
  for (const name of STEP_NAMES) {
    if (name !== 'configuration') yield skipped(name, 'not looked at: the configuration is wrong')
  }
}

function describeConfig({ registry, nodeType }: Config): string {
  const name = nodeType === AUTO ? 'what the VMM shows' : nodeType
  return `complete; registers with ${registry.baseUrl} as ${name}`
}
