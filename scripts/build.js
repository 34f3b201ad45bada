// Builds each program into one file that runs without node_modules: dist/ for operators, a copy in the
// program's own package, and the testbed's programs in theirs.
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { withCodeCache } from './code-cache.js'
import { rawText } from './raw-text.js'
import { undiciSubset } from './undici-subset.js'

const root = join(import.meta.dirname, '..')

/** @type {{ folder: string, entry: string, shipped: boolean }[]} */
const programs = [
  { folder: 'packages/whitelist-service', entry: 'whitelist', shipped: true },
  { folder: 'packages/dstack-backend', entry: 'backend', shipped: true },
  { folder: 'packages/testbed', entry: 'testbed', shipped: false },
  { folder: 'packages/testbed', entry: 'bench', shipped: false },
  { folder: 'packages/testbed', entry: 'rivals', shipped: false },
  { folder: 'packages/testbed', entry: 'soak', shipped: false },
  { folder: 'packages/testbed', entry: 'soak-probe', shipped: false },
]

/**
 * CommonJS, because such a file runs wherever it is copied to; a folder of ES modules around it would
 * say otherwise, hence the package.json beside it.
 * @param {string} folder
 */
async function emptyDist(folder) {
  const dist = join(root, folder, 'dist')
  await rm(dist, { recursive: true, force: true })
  await mkdir(dist, { recursive: true })
  await writeFile(join(dist, 'package.json'), '{ "type": "commonjs" }\n')
}

/**
 * @param {string} folder
 * @param {string} entry
 */
async function bundle(folder, entry) {
  const { outputFiles } = await build({
    entryPoints: [join(root, folder, 'src', `${entry}.ts`)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    mainFields: ['module', 'main'],
    plugins: [undiciSubset, rawText],
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  })
  return outputFiles[0]?.text ?? ''
}

for (const folder of ['.', ...new Set(programs.map((program) => program.folder))]) {
  await emptyDist(folder)
}
for (const { folder, entry, shipped } of programs) {
  const file = join(root, folder, 'dist', `${entry}.js`)
  const code = await bundle(folder, entry)
  await writeFile(file, shipped ? await withCodeCache(code) : code)
  if (shipped) await cp(file, join(root, 'dist', `${entry}.js`))
  console.log(`built ${join(folder, 'dist', `${entry}.js`)}`)
}
