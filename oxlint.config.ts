/** Lint rules; the import bans per folder are made from the layer table, which the architecture test checks too. */

import { defineConfig } from 'oxlint';
import { FOLDERS, layerOf, mayImport } from './dev/layers.ts';

/** What the files of one folder must not import, as patterns of import specifiers; `up` leads to src. */
function bans(folder: string, up: string) {
  const refused = FOLDERS.filter((other) => !mayImport(folder, other)).join('|');
  const upward = {
    regex: `^${up}(${refused})(/|\\.ts$)`,
    message: `${folder} lies lower in dev/layers.ts.`,
  };
  const pure = layerOf(folder)?.layer.pure;
  if (pure === undefined) return [upward];
  const allowed = pure.packages.flatMap((name) => [`!${name}`, `!${name}/**`]);
  const group = ['*', '*/**', '!./**', '!../**', ...allowed];
  return [upward, { group, message: `${folder} is pure: it is handed what it needs.` }];
}

export default defineConfig({
  plugins: ['typescript', 'oxc', 'unicorn', 'import', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true },
  ignorePatterns: ['dist', 'coverage', 'node_modules', 'fuzz/corpus'],
  rules: {
    'typescript/no-floating-promises': [
      'error',
      {
        // the runner awaits what these return
        allowForKnownSafeCalls: [
          { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
        ],
      },
    ],
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'import/no-cycle': 'error',
    'import/no-self-import': 'error',
    'typescript/no-explicit-any': 'error',
    // assertions at the borders of `unknown` and of noUncheckedIndexedAccess are how this code base states a proof
    'typescript/no-unsafe-type-assertion': 'off',
    'import/no-named-as-default-member': 'off',
    // guards on values whose declared types promise more than hostile input and platforms keep
    'typescript/no-base-to-string': 'off',
    'typescript/no-unnecessary-type-conversion': 'off',
    'typescript/no-unnecessary-boolean-literal-compare': 'off',
    // control characters are what the cleaning of hostile text looks for
    'no-control-regex': 'off',
    // matters of taste
    'no-shadow': 'off',
    'no-underscore-dangle': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/no-new-array': 'off',
    'promise/always-return': 'off',
  },
  overrides: [
    { files: ['src/**'], rules: { 'no-console': 'error' } },
    { files: ['test/**'], rules: { 'typescript/unbound-method': 'off' } },
    { files: ['src/cli/**'], rules: { 'no-console': 'off' } },
    ...FOLDERS.flatMap((folder) =>
      [
        [`src/${folder}/**`, '(\\.\\./)+'],
        [`src/${folder}.ts`, '\\./'],
      ].map(([files = '', up = '']) => ({
        files: [files],
        rules: { 'no-restricted-imports': ['error', { patterns: bans(folder, up) }] as ['error', object] },
      })),
    ),
  ],
});
