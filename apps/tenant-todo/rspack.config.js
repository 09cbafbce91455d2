const { dirname, join } = require('node:path');
const base = require('../rspack.config.js');

const here = (name) => join(__dirname, 'bundle', name);
const rxjs = (file) => join(dirname(require.resolve('rxjs/package.json')), 'dist/esm', file);

/** Imported by something that is used, for something that is not. */
const NEVER_CALLED = [
  'body-parser', // bodies are read by http/json-body.ts; it brings iconv-lite's charsets
  'serve-static',
  'send', // res.sendFile
  'qs', // the "extended" query parser; Express 5 takes Node's own by default
  'thread-stream', // pino's transports, each with a worker thread; we write to stdout
  'libphonenumber-js/max', // class-validator's @IsPhoneNumber, 600 kB of numbering plans
];

/** Packages with a binary of their own, which stay packages. */
const NATIVE = ['better-sqlite3', 'sharp'];

/**
 * One file with everything but the native packages, made to be started often: what a wake does not run is left out or put off. Figures are
 * milliseconds of a wake, measured with test/bench/tenant-wake.mjs.
 */
module.exports = (options, rspack) => {
  const config = base(options, rspack);
  return {
    ...config,
    externals: [leftOutside],
    resolve: {
      ...config.resolve,
      alias: {
        ...Object.fromEntries(NEVER_CALLED.map((name) => [`${name}$`, here('not-in-the-tenant.js')])),
        depd$: here('depd.js'),
        debug$: here('debug.js'),
        'mime-db$': here('mime-db.json'), // 2,000 media types, of which five are asked for
        rxjs$: rxjs('index.js'), // its CommonJS build cannot be shaken
        'rxjs/operators$': rxjs('operators/index.js'),
      },
    },
    module: {
      ...config.module,
      // `import()` stays lazy (evaluated when called) but in the same file, so that the cached data covers it.
      parser: { javascript: { dynamicImportMode: 'eager' } },
      rules: [
        ...config.module.rules,
        {
          test: /@nestjs[\\/]common[\\/]services[\\/](console-)?logger\.service\.js$/,
          use: here('lazy-intl.loader.js'),
        },
        // Nest's modules declare classes and do nothing else at import; the packages do not say so themselves.
        { test: /@nestjs[\\/](common|core|platform-express)[\\/]/, sideEffects: false },
      ],
    },
    optimization: {
      ...config.optimization,
      concatenateModules: true,
      providedExports: true,
      usedExports: true,
      sideEffects: true,
      minimize: true,
      minimizer: [
        new rspack.SwcJsMinimizerRspackPlugin({
          extractComments: false,
          minimizerOptions: {
            compress: true,
            mangle: { keep_classnames: true, keep_fnames: true }, // Nest finds providers by class, logs and errors name them
            format: { ascii_only: true, comments: false }, // one byte a character: read as latin1, half the memory
          },
        }),
      ],
    },
  };
};

/** What is not in the file. Nest asks for optional packages by name, and for class-validator whole: we hand it our part of it. */
function leftOutside({ request, contextInfo }, callback) {
  const isOptional = /^@nestjs\/(websockets|microservices)(\/|$)/.test(request);
  const isHandedOver = /^class-(validator|transformer)(\/|$)/.test(request) && /@nestjs[\\/]/.test(contextInfo.issuer);
  // Answers at once what a look through all node_modules folders would come to.
  if (isOptional || isHandedOver)
    return callback(null, `(() => { throw new Error('${request} is left out') })()`, 'var');
  if (request === 'https') return callback(null, '{}', 'var'); // Nest's adapter would load all of TLS for it
  if (NATIVE.includes(request)) return callback(null, `commonjs ${request}`);
  return callback();
}
