import { WebClient } from '@slack/web-api';
import { ErrorCode, MeridianError } from '../contracts/errors';
import type { Config } from './config';
import type { Log } from './log';

/** Says something to the team: a headline and a text, in Slack's mrkdwn. A message of the same ID is the same message. */
export type Say = (headline: string, text: string, options?: { id?: string }) => Promise<void>;

/** Slack's Web API where a token is configured; the log otherwise. */
export function createSlack(config: Config['slack'], log: Log): Say {
  if (!config.token) {
    return async (headline, text) =>
      log.warn({ headline, text }, 'no SLACK_BOT_TOKEN: the message stays here');
  }
  const client = new WebClient(config.token, {
    slackApiUrl: config.apiUrl,
    retryConfig: { retries: 0 },
    timeout: 10_000,
  });
  return async (headline, text, { id } = {}) => {
    try {
      await client.chat.postMessage({
        channel: config.channel,
        ...(id && { client_msg_id: id }),
        text: headline,
        blocks: [
          { type: 'header', text: { type: 'plain_text', text: headline.slice(0, 150) } },
          { type: 'section', text: { type: 'mrkdwn', text: text.slice(0, 3000) } },
        ],
      });
    } catch (cause) {
      throw new MeridianError(
        ErrorCode.DependencyUnavailable,
        `Slack did not take "${headline}": ${String(cause)}`,
        [],
        { cause },
      );
    }
  };
}
