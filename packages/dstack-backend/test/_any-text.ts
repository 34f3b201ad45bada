import fc from 'fast-check'

/** Any UTF-16 code unit: half of them ASCII, with its control characters; among the others half pairs. */
export const anyCharacter = fc
  .oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff }))
  .map((code) => String.fromCharCode(code))

/** Any text that JSON can carry. The `binary` unit of fast-check takes seconds to get ready. */
export function anyText(maxLength = 100): fc.Arbitrary<string> {
  return fc.string({ unit: anyCharacter, maxLength })
}
