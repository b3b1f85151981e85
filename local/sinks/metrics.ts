import { createSocket, type Socket } from 'node:dgram';
import { appendFileSync } from 'node:fs';

/** One DogStatsD datagram line: `name:value|type|#tag:value,…`. */
const LINE =
  /^(?<name>[^:]+):(?<value>[^|]+)\|(?<type>c|g|ms|h|s|d)(?:\|@(?<rate>[^|]+))?(?:\|#(?<tags>[^|]*))?/;

/** A DogStatsD agent that keeps every metric as a JSON line. */
export async function startMetricSink(
  address: { host: string; port: number },
  file: string,
): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (datagram) => {
    for (const line of datagram.toString('utf8').split('\n')) {
      const metric = parseMetric(line);
      if (metric) appendFileSync(file, `${JSON.stringify({ time: Date.now(), ...metric })}\n`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(address.port, address.host, resolve);
  });
  return socket;
}

export interface ReceivedMetric {
  name: string;
  value: number;
  type: string;
  tags: string[];
}

/** Null for what is no metric (an event, a service check). */
export function parseMetric(line: string): ReceivedMetric | null {
  const { name, value, type, tags } = LINE.exec(line.trim())?.groups ?? {};
  if (name === undefined) return null;
  return { name, value: Number(value), type: type!, tags: tags ? tags.split(',') : [] };
}
