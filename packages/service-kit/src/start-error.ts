/** A reason not to start that the operator can act on; its message says what is wrong and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
