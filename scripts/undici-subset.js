// What the backend uses of undici. The package's index also loads fetch, WebSocket, caches and mocks,
// which would cost every start a third of its time and the running service 15 MB.

const contents = `
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js')
Dispatcher.prototype.request = require('undici/lib/api/api-request.js')
exports.Agent = require('undici/lib/dispatcher/agent.js')
`

/** @type {import('esbuild').Plugin} */
export const undiciSubset = {
  name: 'undici-subset',
  setup(build) {
    build.onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: 'undici',
      namespace: 'undici-subset',
      pluginData: resolveDir,
    }))
    build.onLoad({ filter: /./, namespace: 'undici-subset' }, ({ pluginData }) => ({
      contents,
      resolveDir: String(pluginData),
    }))
  },
}
