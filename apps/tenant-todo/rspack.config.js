const base = require('../rspack.config.js');
module.exports = (options, rspack) => {
  const config = base(options, rspack);
  return {
    ...config,
    externals: [
      { 'better-sqlite3': 'commonjs better-sqlite3' },
      ({ request }, callback) =>
        /^@nestjs\/(websockets|microservices)(\/|$)/.test(request) ? callback(null, `commonjs ${request}`) : callback(),
    ],
    module: { ...config.module, parser: { javascript: { dynamicImportMode: 'eager' } } },
    optimization: {
      ...config.optimization,
      concatenateModules: true,
      usedExports: true,
      sideEffects: true,
      providedExports: true,
      minimize: true,
      minimizer: [
        new rspack.SwcJsMinimizerRspackPlugin({
          extractComments: false,
          minimizerOptions: {
            compress: true,
            mangle: { keep_classnames: true, keep_fnames: true },
            format: { ascii_only: true, comments: false },
          },
        }),
      ],
    },
  };
};
