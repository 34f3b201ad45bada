import { createPage } from '@dstack-node/service-kit/page'
import body from './browser/page.html?raw'
import style from './browser/page.css?raw'
import script from './browser/page.js?raw'
import words from './browser/words.js?raw'

/** What `GET /` shows to a browser. */
export const backendPage = createPage({
  title: 'DStack backend',
  body,
  style,
  scripts: [words, script],
})
