import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { SearchAttribute } from '../../../contracts/search-attributes';
import type { Part } from '../part';

// The development server has one history shard and reads its queues 20 times a second by default, which costs every
// start of a workflow or an activity a tick of 50 ms; at 2000 the tick is gone.
const POLLS_PER_SECOND = 2000;

// A killed server forgets nothing, as with SQLite's own defaults, and writes half as often; only a machine that loses power may
// forget the last moments.
const PRAGMAS = ['journal_mode=WAL', 'synchronous=NORMAL'];

// The server's words for the types of search attributes.
const TYPES: Record<string, string> = { KEYWORD: 'Keyword', BOOL: 'Bool' };

/** Temporal's development server on a file: killed at any moment, it forgets no workflow. */
export const temporal: Part = {
  name: 'temporal',
  ports: ['temporal', 'temporalUi'],
  needs: [],
  command({ data, ports, tools }) {
    mkdirSync(data, { recursive: true });
    return {
      file: tools.temporal,
      args: [
        'server',
        'start-dev',
        '--ip=127.0.0.1',
        `--port=${ports.temporal}`,
        `--ui-port=${ports.temporalUi}`,
        `--db-filename=${join(data, 'temporal.db')}`,
        ...PRAGMAS.map((pragma) => `--sqlite-pragma=${pragma}`),
        '--log-level=warn',
        `--dynamic-config-value=history.transferProcessorMaxPollRPS=${POLLS_PER_SECOND}`,
        `--dynamic-config-value=history.timerProcessorMaxPollRPS=${POLLS_PER_SECOND}`,
        ...Object.values(SearchAttribute).map(
          ({ name, type }) => `--search-attribute=${name}=${TYPES[type]}`,
        ),
      ],
    };
  },
  async check({ ports }) {
    const connection = await Connection.connect({
      address: `127.0.0.1:${ports.temporal}`,
      connectTimeout: 2000,
    });
    try {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
    } finally {
      await connection.close();
    }
  },
};
