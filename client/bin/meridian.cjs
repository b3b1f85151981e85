#!/usr/bin/env node
const { existsSync } = require('node:fs');
const { join } = require('node:path');

// The README says it once: from January 2027 on the AWS SDK's new releases need Node 22, and this one is pinned.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const command = join(__dirname, '..', '..', 'dist', 'client', 'meridian.js');
if (!existsSync(command)) {
  process.stderr.write(
    'meridian: the project is not built yet. Run `npm start` (or `npm run build`) first.\n',
  );
  process.exit(1);
}
require(command);
