import type { Flapping, Ok, Script } from './behaviour.js'

/** Hands out one behaviour per request. */
export interface ScriptPlayer<Behaviour> {
  play: (script: Script<Behaviour>) => void
  next: () => Behaviour | Ok
}

const OK: Ok = { kind: 'ok' }

export function createScriptPlayer<Behaviour extends { kind: string }>(
  initial?: Script<Behaviour>,
): ScriptPlayer<Behaviour> {
  let next: () => Behaviour | Ok = () => OK

  function play(script: Script<Behaviour>): void {
    if (isQueue(script)) {
      const queue = [...script]
      next = () => queue.shift() ?? OK
    } else if (isFlapping(script)) {
      let turn = 0
      next = () => script.behaviours[turn++ % script.behaviours.length] ?? OK
    } else {
      next = () => script
    }
  }

  if (initial) play(initial)
  return { play, next: () => next() }
}

function isQueue<Behaviour>(script: Script<Behaviour>): script is readonly Behaviour[] {
  return Array.isArray(script)
}

function isFlapping<Behaviour extends { kind: string }>(
  script: Behaviour | Flapping<Behaviour>,
): script is Flapping<Behaviour> {
  return script.kind === 'flapping'
}
