/** For the apps that run beside `node_modules`: Nest's defaults, aiming at the Node that the install brings. */
module.exports = (options) => {
  const swc = options.module.rules[0].use[0].options;
  swc.jsc.target = 'es2023';
  swc.jsc.keepClassNames = true;
  return options;
};
