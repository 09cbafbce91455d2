const { writeSync } = require('node:fs');
const { tmpdir } = require('node:os');

/** Prints `N passed, N failed` as the very last line of a run, counting a spec file that could not run as a failure; before it, where a failed run left its files. */
module.exports = class ClosingLine {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const kept = failed > 0 ? `What the tests wrote is in ${tmpdir()}.\n` : '';
    process.once('exit', () => writeSync(1, `${kept}${results.numPassedTests} passed, ${failed} failed\n`));
  }
};
