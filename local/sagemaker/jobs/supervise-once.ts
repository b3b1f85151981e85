import { INTERNAL_ERROR } from '../api/errors';
import { asClientError } from '../container/channels';
import { Control } from './control';
import type { Supervised } from './supervised';
import { failed, type Ending } from './timeline';

/** Takes a job that is tried once from its creation to its end. */
export async function superviseOnce(
  { folder, timeline }: Supervised,
  run: (control: Control) => Promise<Ending>,
): Promise<void> {
  const control = new Control(folder, timeline.progress);
  try {
    await timeline.end(await run(control));
  } finally {
    control.close();
  }
}

/** What a job that is tried once comes to by an error, which may be of what was demanded of it meanwhile. */
export function endingUnder({ demand }: Control, error: unknown): Ending {
  if (demand === 'stop') return { outcome: 'Stopped', status: 'Stopped' };
  return demand ? failed(INTERNAL_ERROR) : clientFailure(error);
}

/** The end of a job whose request asked for what is not there. @throws The error, where it is another */
export function clientFailure(error: unknown): Ending {
  const clientError = asClientError(error);
  if (clientError === null) throw error;
  return failed(`ClientError: ${clientError}`);
}
