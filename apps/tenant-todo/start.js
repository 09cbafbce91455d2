'use strict';
// Starts main.js from V8's cached data, which spares it compiling: the larger part of a wake. The data is named by the bundle's
// hash, because V8 itself compares only the length of the source; data of another V8 is refused and the bundle compiled as usual.
const { hash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

const filename = join(__dirname, 'main.js');
const bundle = readFileSync(filename);
const cacheFile = join(__dirname, `main.${hash('sha256', bundle).slice(0, 16)}.cache`);

const script = new Script(`(function (exports, require, module, __filename, __dirname) {${bundle.latin1Slice()}\n})`, {
  filename,
  cachedData: readCache(),
});
const main = { exports: {} };
script.runInThisContext()(main.exports, createRequire(filename), main, filename, __dirname);

function readCache() {
  try {
    return readFileSync(cacheFile);
  } catch {
    return undefined; // slower, but it starts
  }
}

module.exports = { script, cacheFile };
