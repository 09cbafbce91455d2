/** Nest makes a date formatter at import, for a console logger that is not used here: 20 ms of ICU in every wake. Made at the first use. */
module.exports = function lazyIntl(source) {
  const eager = /const dateTimeFormatter = (new Intl\.DateTimeFormat\([^;]*\));/;
  if (!eager.test(source)) throw new Error(`${this.resourcePath} has changed: look whether lazy-intl is still needed.`);
  return source.replace(eager, 'const dateTimeFormatter = { format: (date) => ($1).format(date) };');
};
