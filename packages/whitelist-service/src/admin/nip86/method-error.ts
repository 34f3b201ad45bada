/** Why a method was not carried out, in words for whoever called it. */
export class MethodError extends Error {
  override readonly name = 'MethodError'
}
