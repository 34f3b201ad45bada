import { createHash } from 'node:crypto'
import sharedScript from './browser/page.js?raw'
import sharedStyle from './browser/page.css?raw'

/** A page as it is sent: one document that fetches nothing from elsewhere. */
export interface Page {
  headers: Readonly<Record<string, string>>
  body: string
}

/** What a page is made of, as text; the shared style and script come before its own. */
export interface PageParts {
  title: string
  /** What stands in `<body>`. */
  body: string
  style: string
  /** Classic scripts, in this order: they share one scope. */
  scripts: readonly string[]
}

/** A dot in a frame, as an image that needs no request. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" +
  "%3Crect width='16' height='16' rx='4' fill='%232458c5'/%3E%3Ccircle cx='8' cy='8' r='3.5' fill='white'/%3E%3C/svg%3E"

/**
 * Puts a page together. Nothing runs in it but its own scripts and nothing styles it but its own style: the
 * policy names them by their hashes. Throws an Error when a script or style would end its element.
 */
export function createPage({ title, body, style, scripts }: PageParts): Page {
  const ownStyle = sharedStyle + style
  const ownScripts = [sharedScript, ...scripts]
  return {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': describePolicy(ownStyle, ownScripts),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    },
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="${ICON}">
${element('style', ownStyle)}
</head>
<body>
${body}${ownScripts.map((script) => element('script', script)).join('\n')}
</body>
</html>
`,
  }
}

function element(name: 'style' | 'script', text: string): string {
  if (/<\/(style|script)|<!--/i.test(text)) throw new Error(`the ${name} would end its element`)
  return `<${name}>${text}</${name}>`
}

function describePolicy(style: string, scripts: readonly string[]): string {
  return [
    "default-src 'none'",
    `script-src ${scripts.map(hashSource).join(' ')}`,
    `style-src ${hashSource(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // A text that became markup would throw.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

/** Of the exact text of an inline element (CSP Level 3, 2.3.1). */
function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
