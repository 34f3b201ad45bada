import { REGISTRY_KIND_NAMES, VMM_KIND_NAMES } from './behaviour-text.js'
import { GPU_MODELS } from './gpu-fixtures.js'

/** What `--help` prints. */
export const HELP_TEXT = `Simulated counterparts of the services, for tests and demonstrations.

  testbed vmm [options]           a DStack VMM
    --listen ADDRESS              127.0.0.1:0, or unix:/path
    --gpus CARDS                  H200x8, or none; models: ${GPU_MODELS.join(' ')}
    --version VERSION             the VMM's version, 0.5.11
    --token TOKEN                 guards everything from version 0.6.0 on
    --behave BEHAVIOUR            how ListGpus is answered:
                                  ${VMM_KIND_NAMES.join(' ')}

  testbed registry [options]      the registry of the message network
    --listen ADDRESS              127.0.0.1:0
    --prefix PATH                 before /permissions and /workers
    --permit PUBKEY               lets a key take part; may be repeated
    --refuse STATUS               answers every registration with this status
    --permission BEHAVIOUR        how GET /permissions/<key> is answered:
    --register BEHAVIOUR          how POST /workers is answered:
                                  ${REGISTRY_KIND_NAMES.join(' ')}

A behaviour is one of the names, a JSON object such as {"kind":"raw","status":503}, a JSON
array that is used up one per request, or {"kind":"flapping","behaviours":["ok","reset"]}.

When it is ready, one JSON line with its "url" goes to standard output. From then on it takes
commands from standard input, one JSON object a line, and says on standard error when one is done:
  vmm        {"behave":"hang"} {"gpus":"H200x7"} {"token":"new"}
  registry   {"permission":"hang"} {"register":"lost"} {"permit":"<key>"} {"revoke":"<key>"}
  both       {"stop":true} {"start":true} {"restart":true}
SIGTERM and SIGINT end it.
`
