/** depd reads a stack trace for each deprecation declared at import: 5 ms. Nobody reads deprecations of a bundled dependency. */
module.exports = function depd() {
  const deprecate = () => undefined;
  deprecate.function = (fn) => fn;
  deprecate.property = () => undefined;
  return deprecate;
};
