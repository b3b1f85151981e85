import { agree } from './npm.mjs';

const wanted = {
  '': { version: '0.1.0' },
  'node_modules/ajv': { version: '8.20.0' },
  'node_modules/swc-darwin': { version: '1.0.0', optional: true },
};

describe('whether the npm packages are installed', () => {
  it('is content with the very versions of the lock file', () => {
    expect(agree(wanted, { 'node_modules/ajv': { version: '8.20.0' } })).toBe(true);
  });

  it('sees another version, and a package that is not there', () => {
    expect(agree(wanted, { 'node_modules/ajv': { version: '8.19.0' } })).toBe(false);
    expect(agree(wanted, {})).toBe(false);
  });

  it('sees another version of an optional package', () => {
    const installed = {
      'node_modules/ajv': { version: '8.20.0' },
      'node_modules/swc-darwin': { version: '0.9.0' },
    };
    expect(agree(wanted, installed)).toBe(false);
  });
});
