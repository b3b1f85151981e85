import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { MAX_BODY } from '../../http/request';
import { loadService } from './messages';

export interface GrpcServer {
  /** Host and port it listens on. */
  readonly address: string;
  /** Stops accepting, lets what is in flight finish, and cuts what is left after `graceMs`. */
  close(graceMs?: number): Promise<void>;
}

/** The Open Inference Protocol's gRPC service on a port of its own; without TLS, as HTTP is. */
export async function startGrpcServer(
  service: UntypedServiceImplementation,
  { host, port }: { host: string; port: number },
): Promise<GrpcServer> {
  const server = new Server({ 'grpc.max_receive_message_length': MAX_BODY });
  server.addService(loadService().service, service);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, found) =>
      error ? reject(error) : resolve(found),
    );
  });
  return {
    address: `${host}:${bound}`,
    async close(graceMs = 10_000) {
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      const cut = setTimeout(() => server.forceShutdown(), graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}
