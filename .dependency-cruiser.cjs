/** Who may import whom; docs/ARCHITECTURE.md has the picture. A feature may import only what its line names. */
const FEATURES = {
  database: [],
  tenants: ['database'],
  accounts: ['tenants', 'database', 'front-door'],
  machines: ['tenants', 'database'],
  gates: ['machines', 'tenants', 'database'],
  replicas: ['gates', 'machines', 'tenants', 'database'],
  provisioning: ['gates', 'machines', 'tenants', 'database'],
  proxy: ['gates', 'front-door', 'tenants'],
  'front-door': ['accounts', 'proxy'],
  api: ['front-door', 'accounts', 'tenants', 'gates', 'proxy', 'machines'],
  pages: ['front-door', 'accounts', 'tenants', 'gates', 'proxy'],
};
const CONTROL_PLANE = '^apps/control-plane/src';

const featureRules = Object.entries(FEATURES).map(([feature, allowed]) => ({
  name: `control-plane-${feature}`,
  severity: 'error',
  comment: `${feature} may import ${allowed.join(', ') || 'no other feature'}.`,
  // open-database.ts lists the entities of all features; nothing else there knows one.
  from: { path: `${CONTROL_PLANE}/${feature}/`, pathNot: '\\.spec\\.ts$|/open-database\\.ts$' },
  to: {
    path: `${CONTROL_PLANE}/(${Object.keys(FEATURES).join('|')})/`,
    pathNot: [feature, ...allowed].map((name) => `${CONTROL_PLANE}/${name}/`),
  },
}));

module.exports = {
  forbidden: [
    ...featureRules,
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'libs-never-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'apps-never-import-each-other',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/([^/]+)/', pathNot: '^apps/$1/' },
    },
    {
      name: 'minifly-client-stands-alone',
      severity: 'error',
      from: { path: '^libs/minifly-client/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(libs/common|node_modules/@nestjs)/' },
    },
    {
      name: 'platforms-are-chosen-in-one-place',
      severity: 'error',
      comment: 'Only choose-platform.ts may know which platform it is; everybody else has platform.ts and errors.ts.',
      from: { path: CONTROL_PLANE, pathNot: '/machines/(choose-platform\\.ts|minifly-[a-z.-]+\\.ts|.*\\.spec\\.ts)$' },
      to: {
        path: `^libs/minifly-client/|${CONTROL_PLANE}/machines/(embedded-process|minifly-(tenants|ledger))`,
        pathNot: '^libs/minifly-client/src/(platform|errors)\\.ts$',
      },
    },
    {
      name: 'a-platform-knows-no-other',
      severity: 'error',
      from: { path: '^libs/minifly-client/src/(fly-|flycast)' },
      to: { path: '^libs/minifly-client/src/(minifly-|containers|docker-|locator-)' },
    },
    {
      name: 'common-is-in-the-tenants-bundle',
      severity: 'error',
      from: { path: '^libs/common/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^node_modules/(@nestjs/core|@nestjs/platform-express|typeorm)/' },
    },
    {
      name: 'embedded-has-no-nest',
      severity: 'error',
      from: { path: '^apps/minifly-embedded/' },
      to: { path: '^node_modules/@nestjs/' },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'not-to-dev-dependency',
      severity: 'error',
      from: { path: '^(apps|libs|migrations)/', pathNot: '\\.spec\\.ts$|spec-support|/rspack\\.config\\.js$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
