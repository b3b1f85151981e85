import { networkInterfaces } from 'node:os';
import { freePort } from './port';

export const INSTANCE_GROUP = 'homogeneousCluster';

/** One container's place among those of a job. */
export interface Host {
  name: string;
  /** All hosts of the job, sorted as SageMaker sorts them: by their text. */
  all: string[];
  instanceType: string;
}

/** What a job asks for, whatever its kind. */
interface Instances {
  InstanceCount?: number | undefined;
  InstanceType?: string | undefined;
}

export function hostsOf({ InstanceCount, InstanceType }: Instances): Host[] {
  const all = Array.from({ length: InstanceCount ?? 1 }, (_, i) => `algo-${i + 1}`).sort();
  return all.map((name) => ({ name, all, instanceType: InstanceType ?? '' }));
}

export const isMaster = ({ name, all }: Host): boolean => name === all[0];

/** Containers have `eth0`; hosts that are processes of one machine reach each other over its loopback interface. */
export const networkInterface = ({ all }: Host): string => (all.length === 1 ? 'eth0' : loopback());

function loopback(): string {
  const found = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((a) => a.internal),
  );
  return found?.[0] ?? 'lo';
}

/** Where the hosts of one start of a job meet. */
export interface Rendezvous {
  address: string;
  port: number;
}

/**
 * In AWS the first host's name, `algo-1`, and port 7777. Here no name server knows `algo-1`, and another job may have that
 * port: programs must take both from MASTER_ADDR and MASTER_PORT, which AWS's PyTorch images set too.
 */
export const findRendezvous = async (): Promise<Rendezvous> => ({
  address: '127.0.0.1',
  port: await freePort(),
});

/** What the hosts of a job of several need to find each other; nothing for one alone. */
export function rendezvousVariables(host: Host, { address, port }: Rendezvous): Record<string, string> {
  if (host.all.length === 1) return {};
  const name = networkInterface(host);
  return {
    MASTER_ADDR: address,
    MASTER_PORT: String(port),
    GLOO_SOCKET_IFNAME: name,
    TP_SOCKET_IFNAME: name,
    NCCL_SOCKET_IFNAME: name,
  };
}
