/**
 * The layers of lib/, lowest first (ARCHITECTURE.md). A room may import the rooms of lower layers, and within its own
 * layer only those named behind it here. Types count like values.
 */
const LAYERS = [
  { base: [], address: ['base'] },
  { wire: [], crypto: [] },
  { noise: [], ledger: [], topology: [], ipam: [], names: [], overlay: [] },
  { peer: [], node: ['peer'] },
  { io: [], host: [], api: [] },
  { docker: [], doctor: [], daemon: ['docker', 'doctor'], cli: ['daemon', 'docker', 'doctor'], page: [] },
]

const PURE_LAYERS = 4
const PURE_PACKAGES = '(^|/)node_modules/(@stablelib/|noise-handshake/|dns-packet/|ipaddr[.]js/)'

/** Files that may be imported from another room beside its `mod.ts`, and why. */
const DOORS = [
  // The whole daemon, loaded by its own process: `mod.ts` is what the command line needs to start and stop one.
  'daemon/process.ts',
]

const rooms = layers => layers.flatMap(layer => Object.keys(layer)).join('|')

/** Whatever a room must not import: every room but itself, those below, and those of its layer that it may. */
const roomRules = LAYERS.flatMap((layer, depth) =>
  Object.entries(layer).map(([room, siblings]) => ({
    name: `layer-${depth}-${room}`,
    comment: `lib/${room} (layer ${depth}) may import lower layers${siblings.length > 0 ? ` and ${siblings.join(', ')}` : ''} only`,
    severity: 'error',
    from: { path: `^lib/${room}/` },
    to: {
      path: '^lib/',
      pathNot: `^lib/(${[room, ...siblings, ...LAYERS.slice(0, depth).flatMap(lower => Object.keys(lower))].join('|')})/`,
    },
  })),
)

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'known-room',
      comment: 'every file of lib/ lies in a room of the list of layers',
      severity: 'error',
      from: { path: '^lib/', pathNot: `^lib/(${rooms(LAYERS)})/` },
      to: {},
    },
    {
      name: 'room-by-its-mod',
      comment:
        'a room is imported by its mod.ts; entries of threads and processes are named by URL, which is no import',
      severity: 'error',
      from: { path: '^lib/([^/]+)/', pathNot: '^lib/page/' },
      to: { path: '^lib/', pathNot: `^lib/($1/|[^/]+/mod[.]ts$|(${DOORS.join('|')})$)` },
    },
    {
      name: 'page-alone',
      comment: 'the page runs in a browser: it imports nothing of other rooms but the types of what is answered',
      severity: 'error',
      from: { path: '^lib/page/' },
      to: { path: '^lib/', pathNot: '^lib/(page/|api/schema[.]ts$)' },
    },
    {
      name: 'page-types-only',
      comment: 'the schemas themselves stay with the daemon',
      severity: 'error',
      from: { path: '^lib/page/' },
      to: { path: '^lib/(?!page/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'page-no-node',
      comment: 'the page runs in a browser',
      severity: 'error',
      from: { path: '^lib/page/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'not-by-its-own-mod',
      comment: 'within a room files import each other',
      severity: 'error',
      from: { path: '^lib/([^/]+)/' },
      to: { path: '^lib/$1/mod[.]ts$' },
    },
    {
      name: 'pure-no-node',
      comment: 'layers 0 to 3 import nothing of the runtime',
      severity: 'error',
      from: { path: `^lib/(${rooms(LAYERS.slice(0, PURE_LAYERS))})/` },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-no-package',
      comment: 'layers 0 to 3 use pure packages only',
      severity: 'error',
      from: { path: `^lib/(${rooms(LAYERS.slice(0, PURE_LAYERS))})/` },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'], pathNot: PURE_PACKAGES },
    },
    {
      name: 'no-test-in-lib',
      comment: 'what is shipped does not lean on tests, scripts or development packages',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'no-dev-package-in-lib',
      comment: 'what is shipped needs its packages under dependencies; those of the page are in it',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/page/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circle',
      comment: 'files do not import each other in a circle (types aside)',
      severity: 'error',
      from: { path: '^lib/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolves',
      comment: 'every import leads somewhere',
      severity: 'error',
      from: { path: '^lib/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: `${__dirname}/tsconfig.json` },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    progress: { type: 'none' },
  },
}
