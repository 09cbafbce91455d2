const { resolve } = require('node:path');
const base = require('../../jest.config.js');

/** Not `*.spec.ts`: these need LiteFS and FUSE, so `npm test` leaves them out and `npm run test:litefs` runs them. */
module.exports = {
  ...base,
  rootDir: resolve(__dirname, '../..'),
  roots: ['<rootDir>/test/litefs'],
  testMatch: ['**/*.litefs.ts'],
  testTimeout: 120_000,
  maxWorkers: 1, // each starts a control plane, and one of them measures
};
