const { resolve } = require('node:path');
const base = require('../../jest.config.js');

/** Not `*.spec.ts`: these need a browser, so `npm test` leaves them out and `npm run test:browser` runs them. */
module.exports = {
  ...base,
  rootDir: resolve(__dirname, '../..'),
  roots: ['<rootDir>/test/browser'],
  testMatch: ['**/*.browser.ts'],
  testTimeout: 60_000,
};
