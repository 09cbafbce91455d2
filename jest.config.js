/** Unit and service specs beside the code, journeys and contracts under test/. Node runs it with --experimental-vm-modules (Nest 12 is ESM). */
const swcOptions = {
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
  module: { type: 'commonjs' },
  sourceMaps: 'inline',
};

module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/migrations', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['@swc/jest', { swcrc: false, ...swcOptions }] },
  moduleNameMapper: {
    '^@app/common/(.*)$': '<rootDir>/libs/common/src/$1',
    '^@app/minifly-client/(.*)$': '<rootDir>/libs/minifly-client/src/$1',
    '^@migrations/(.*)$': '<rootDir>/migrations/$1',
  },
  reporters: ['default', '<rootDir>/test/support/closing-line.js'],
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  testTimeout: 30_000,
  maxWorkers: 2,
};
