const { join } = require('node:path');
const shared = require('../rspack.config.js');

/** The pages' views and static files go beside the bundle. (Nest's own `assets` would put them under their whole source path.) */
module.exports = (options, { CopyRspackPlugin }) => {
  const pages = ['views', 'static'].map((name) => ({
    from: join(__dirname, 'src/pages', name),
    to: `apps/control-plane/pages/${name}`,
  }));
  pages.push({ from: join(__dirname, '../../docs/openapi'), to: 'apps/control-plane/pages/openapi' });
  pages.push({ from: join(__dirname, '../../dist/pages'), to: 'apps/control-plane/pages/static' }); // what scripts/build-world-map.mjs made
  const config = shared(options);
  return { ...config, plugins: [...config.plugins, new CopyRspackPlugin({ patterns: pages })] };
};
