const base = require('../../jest.config.js');

/** Against Minifly itself and Docker: what `docker/test-minifly.sh` runs. One file after the other: they share one engine. */
module.exports = {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test'],
  testMatch: ['<rootDir>/test/minifly/*.minifly.ts'],
  testSequencer: '<rootDir>/test/minifly/support/by-name.js',
  testTimeout: 60_000,
  maxWorkers: 1,
};
