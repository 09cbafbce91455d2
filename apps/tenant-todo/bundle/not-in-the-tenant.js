/** In the place of a package that something imports and this app never calls. A call is a mistake and says so. */
const absent = (name) => () => {
  throw new Error(`${name} is not in the tenant's bundle: see apps/tenant-todo/rspack.config.js.`);
};

module.exports = new Proxy(absent('This function'), {
  get: (target, name) => (name in target || typeof name === 'symbol' ? target[name] : absent(String(name))),
});
