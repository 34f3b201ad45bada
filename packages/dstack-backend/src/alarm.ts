/** Calls back once, after `milliseconds`; what it returns takes that back. */
export type SetTimer = (callback: () => void, milliseconds: number) => () => void

/** A timer that is set anew again and again; it rings only between `start` and `stop`. */
export interface Alarm {
  start: () => void
  /** Takes the place of what was set before. */
  set: (milliseconds: number) => void
  stop: () => void
}

/** An alarm that is not started yet. */
export function createAlarm(ring: () => void, setTimer: SetTimer): Alarm {
  let isStarted = false
  let clear: () => void = () => undefined
  return {
    start: () => void (isStarted = true),
    set(milliseconds) {
      clear()
      if (isStarted) clear = setTimer(ring, milliseconds)
    },
    stop() {
      isStarted = false
      clear()
    },
  }
}

/** The system's timer, which keeps no process alive. */
export const setSystemTimer: SetTimer = (callback, milliseconds) => {
  const timer = setTimeout(callback, milliseconds).unref()
  return () => {
    clearTimeout(timer)
  }
}
