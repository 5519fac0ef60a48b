import { describe, expect, it } from 'vitest';
import { helpText, OPTIONS } from '../../../agent/control-plane/options.ts';
import { readSettings } from '../../../agent/control-plane/settings.ts';

describe('settings', () => {
  it('have the defaults of known control planes', () => {
    expect(readSettings([], {})).toMatchObject({
      grpc: { host: '', port: 50_051 },
      http: { host: '', port: 8090 },
      staleTimeout: 120_000,
      deadThreshold: 300_000,
      maxConnectionAge: 1_800_000,
      dataDir: '/data',
      agentKeyFile: undefined,
      commandTokenFile: undefined,
      agentsWithoutToken: 'refuse',
    });
  });

  it('take a flag before its variable', () => {
    const settings = readSettings(['--stale-timeout', '1m30s', '--http-addr=[::1]:80'], {
      STALE_TIMEOUT: '10s',
      DEAD_THRESHOLD: '1h',
    });

    expect(settings).toMatchObject({
      staleTimeout: 90_000,
      deadThreshold: 3_600_000,
      http: { host: '::1', port: 80 },
    });
  });

  it('take flags with one dash, as known control planes do', () => {
    expect(readSettings(['-stale-timeout', '90s', '-http-addr=:80'], {})).toMatchObject({
      staleTimeout: 90_000,
      http: { port: 80 },
    });
    expect(() => readSettings(['-ws-addr', ':8091'], {})).toThrow(/there is no WebSocket/);
  });

  it('tell all that is wrong at once', () => {
    const read = () =>
      readSettings(['--foo', '--data-dir'], { GRPC_ADDR: 'nowhere', STALE_TIMEOUT: '2', GRPC_TLS_CERT_FILE: '/c' });

    expect(read).toThrow(/--foo: unknown.*--data-dir: no value.*GRPC_ADDR.*STALE_TIMEOUT/s);
  });

  it.each([
    [['--stale-timeout', '5m'], /never.*stale|nobody would ever be stale/],
    [['--grpc-tls-cert-file', '/c'], /one without the other/],
    [['--agents-without-token', 'perhaps'], /refuse, allow/],
    [['--audit-days', '0'], /1 to 3650/],
    [['--max-connection-age', '0s'], /a duration/],
    [['--grpc-addr', ':70000'], /host:port/],
  ])('refuse %j', (argv, words) => {
    expect(() => readSettings(argv, {})).toThrow(words);
  });

  it.each(['--ws-addr', '--rabbitmq-url', '--rabbitmq-vhost', '--auto-terminate-dead'])(
    'say why %s of the known control plane is gone',
    (flag) => {
      expect(() => readSettings([flag, 'x'], {})).toThrow(new RegExp(`${flag}: (?!unknown)`));
    },
  );
});

describe('--help', () => {
  it('names every flag and variable', () => {
    const text = helpText();

    for (const [name, { variable }] of Object.entries(OPTIONS)) {
      expect(text).toContain(`--${name}`);
      expect(text).toContain(variable);
    }
  });
});
