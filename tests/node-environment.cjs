const { TestEnvironment } = require('jest-environment-node');

/**
 * Jest gives each test file globals of its own. Native addons (onnxruntime) make and check typed arrays of the
 * process's own globals, so a test must have those.
 */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { Float32Array, BigInt64Array, Int32Array, Uint8Array, ArrayBuffer });
  }
};
