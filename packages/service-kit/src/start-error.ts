/** A reason not to start that the operator can act on; the last thing it says is what to do. */
export class StartError extends Error {
  override readonly name = 'StartError'
  /** What to do, where the message has to end with something else, like the words of another program. */
  readonly nextStep: string | undefined

  constructor(message: string, options: { nextStep?: string } = {}) {
    super(message)
    this.nextStep = options.nextStep
  }
}
