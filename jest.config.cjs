/** Unit tests sit beside the code (`*.test.ts`); end-to-end tests in `tests/` run one after the other on a real stack. */
const common = {
  testEnvironment: '<rootDir>/tests/node-environment.cjs',
  transform: {
    '^.+\\.(ts|mjs)$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.local'],
};

module.exports = {
  projects: [
    { ...common, displayName: 'unit', testMatch: ['<rootDir>/!(tests|node_modules)/**/*.test.ts'] },
    { ...common, displayName: 'e2e', testMatch: ['<rootDir>/tests/**/*.test.ts'] },
  ],
};
