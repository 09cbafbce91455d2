// Counts its starts in a file on its volume, says how many there were, and ends.
const { appendFileSync, statSync } = require('node:fs');
const { join } = require('node:path');

const file = join(process.env.DATA_DIR, 'starts');
appendFileSync(file, '.');
console.log(`${statSync(file).size} starts`);
