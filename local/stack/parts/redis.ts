import { mkdirSync } from 'node:fs';
import { answersPing } from '../checks';
import type { Part } from '../part';

/** Redis with an append-only file, so that a kill loses a second of writes at most. */
export const redis: Part = {
  name: 'redis',
  ports: ['redis'],
  needs: [],
  command({ data, ports, tools }) {
    mkdirSync(data, { recursive: true });
    return {
      file: tools.redis,
      args: `--bind 127.0.0.1 --port ${ports.redis} --appendonly yes`
        .split(' ')
        .concat('--dir', data, '--save', ''),
    };
  },
  check: ({ ports }) => answersPing(ports.redis),
};
