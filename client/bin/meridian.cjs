#!/usr/bin/env node
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const command = join(__dirname, '..', '..', 'dist', 'client', 'meridian.js');
if (!existsSync(command)) {
  process.stderr.write(
    'meridian: the project is not built yet. Run `npm start` (or `npm run build`) first.\n',
  );
  process.exit(1);
}
require(command);
