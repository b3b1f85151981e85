import fc from 'fast-check';
import { choosePorts, nextFree, portVariable, type PortChoice } from './ports';
import { DEFAULT_PORTS, type PortName } from './part';

const names = Object.keys(DEFAULT_PORTS) as PortName[];
const choice = (changes: Partial<PortChoice> = {}): PortChoice => ({
  recorded: {},
  running: new Set(),
  defaults: DEFAULT_PORTS,
  env: {},
  ...changes,
});
const allFree = async (): Promise<boolean> => true;
const taken =
  (...ports: number[]) =>
  async (port: number): Promise<boolean> =>
    !ports.includes(port);

describe('the choice of ports', () => {
  it('gives every part its usual port where all are free', async () => {
    expect(await choosePorts(choice(), allFree)).toEqual(DEFAULT_PORTS);
  });

  it('gives the next free port where the usual one is taken', async () => {
    expect((await choosePorts(choice(), taken(6379, 6380))).redis).toBe(6381);
  });

  it('gives no port twice, and none that is taken, whatever is taken and recorded', async () => {
    const port = fc.integer({ min: 5000, max: 9000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(port, { maxLength: 30 }),
        fc.dictionary(fc.constantFrom(...names), port),
        async (busy, recorded) => {
          const chosen = Object.values(await choosePorts(choice({ recorded }), taken(...busy)));
          expect(new Set(chosen).size).toBe(names.length);
          expect(chosen.filter((p) => busy.includes(p))).toEqual([]);
        },
      ),
    );
  });

  it('keeps what is recorded, so that a restart is where it was', async () => {
    const recorded = await choosePorts(choice(), taken(7233, 5000, 8080));
    expect(await choosePorts(choice({ recorded }), allFree)).toEqual(recorded);
  });

  it('keeps the port of a part that runs, though it is not free', async () => {
    const ports = await choosePorts(
      choice({ recorded: { redis: 6400 }, running: new Set<PortName>(['redis']) }),
      taken(6400),
    );
    expect(ports.redis).toBe(6400);
  });

  it('takes the port that is forced', async () => {
    expect(portVariable('temporalUi')).toBe('MERIDIAN_PORT_TEMPORAL_UI');
    const env = { MERIDIAN_PORT_TEMPORAL_UI: '9999' };
    expect((await choosePorts(choice({ env }), allFree)).temporalUi).toBe(9999);
  });

  it.each(['http', '0', '70000', '80.5'])('says what is wrong with the forced port %s', async (value) => {
    const env = { MERIDIAN_PORT_S3: value };
    await expect(choosePorts(choice({ env }), allFree)).rejects.toThrow(
      `MERIDIAN_PORT_S3: found "${value}", expected a port from 1 to 65535.`,
    );
  });

  it('refuses a forced port that another program has', async () => {
    const env = { MERIDIAN_PORT_S3: '7777' };
    await expect(choosePorts(choice({ env }), taken(7777))).rejects.toThrow('port 7777 is taken already');
  });

  it('gives up where nothing is free', async () => {
    await expect(nextFree(65_500, new Set(), async () => false)).rejects.toThrow('No free port from 65500');
  });
});
