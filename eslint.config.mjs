import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const NODE_GLOBALS = Object.fromEntries(
  [
    'process',
    'console',
    'Buffer',
    'URL',
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'fetch',
    'performance',
    'AbortController',
    'AbortSignal',
    'module',
    'require',
    '__dirname',
    '__filename',
    'TextEncoder',
    'TextDecoder',
    'FormData',
    'XMLHttpRequest',
    'Blob',
    'structuredClone',
  ].map((name) => [name, 'readonly']),
);
const BROWSER_GLOBALS = Object.fromEntries(
  [
    'document',
    'window',
    'location',
    'EventSource',
    'fetch',
    'setTimeout',
    'clearTimeout',
    'URL',
    'DOMParser',
    'history',
    'requestAnimationFrame',
    'HTMLElement',
    'HTMLFormElement',
    'FormData',
    'XMLHttpRequest',
    'console',
  ].map((name) => [name, 'readonly']),
);

const PLATFORM_SETTINGS = '/^(platformName|minifly[A-Z].*|fly[A-Z].*)$/';

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      'data/',
      'coverage/',
      'test-artefacts/',
      'libs/minifly-client/src/fly-types.ts',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Configuration is read once, in main.ts.' },
      ],
    },
  },
  {
    // Which platform it is, is known where it is chosen and in its own files. dependency-cruiser keeps the imports to that.
    files: ['apps/control-plane/src/**/*.ts'],
    ignores: [
      '**/*.spec.ts',
      'apps/control-plane/src/config.ts',
      'apps/control-plane/src/machines/choose-platform.ts',
      'apps/control-plane/src/machines/minifly-tenants.ts',
      'apps/control-plane/src/machines/embedded-process.ts',
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[
          `MemberExpression[property.name=${PLATFORM_SETTINGS}]`,
          `ObjectPattern > Property[key.name=${PLATFORM_SETTINGS}]`,
          'Literal[value=/^(embedded|minifly|fly)$/i]',
          'BinaryExpression[operator="instanceof"][right.name=/(Platform|Process|Flycast)$/]',
        ].map((selector) => ({ selector, message: 'Only choose-platform.ts may ask which platform it is.' })),
      ],
    },
  },
  {
    files: ['apps/*/src/main.ts', 'test/**/*.ts', '**/*.spec.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  { files: ['**/*.{js,mjs,cjs}'], languageOptions: { globals: NODE_GLOBALS } },
  {
    files: ['apps/control-plane/src/pages/static/**/*.js'],
    languageOptions: { globals: BROWSER_GLOBALS, sourceType: 'module' },
  },
);
