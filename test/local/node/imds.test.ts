import { describe, expect, it } from 'vitest';
import { instanceIdOf } from '../../../local/node/credentials.ts';
import type { NodeSpec, SpotNotice } from '../../../local/node/host.ts';
import { createMetadataService } from '../../../local/node/imds.ts';
import { aSpec, USER_DATA } from './builders.ts';

const aService = (spec: Partial<NodeSpec> = {}) => {
  let now = Date.UTC(2026, 10, 21);
  const service = createMetadataService(
    { ...aSpec(), ...spec },
    { now: () => new Date(now), sleep: async () => undefined },
  );
  const call = (method: string, path: string, headers: Record<string, string> = {}) =>
    service({ method, path, headers: new Map(Object.entries(headers)) });
  const open = (seconds = 300) =>
    call('PUT', '/latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': String(seconds) });
  const token = open().body;
  const read = (path: string, session = token) =>
    call('GET', `/latest/${path}`, { 'x-aws-ec2-metadata-token': session });
  return {
    call,
    open,
    read,
    pass: (seconds: number) => {
      now += seconds * 1000;
    },
  };
};

describe('the metadata service', () => {
  it('tells a Spot instance that it is taken back from when it is known, and not before', () => {
    const notices: SpotNotice[] = [];
    const { read } = aService({ lifeCycle: 'spot', notices: () => notices });
    const before = read('meta-data/spot/instance-action').status;
    notices.push({ kind: 'rebalance', time: new Date('2026-11-22T06:00:00.123Z') });
    notices.push({ kind: 'interruption', action: 'terminate', time: new Date('2026-11-22T06:02:00.123Z') });

    expect(before).toBe(404);
    expect(read('meta-data/instance-life-cycle').body).toBe('spot');
    expect(JSON.parse(read('meta-data/spot/instance-action').body)).toEqual({
      action: 'terminate',
      time: '2026-11-22T06:02:00Z',
    });
    expect(JSON.parse(read('meta-data/events/recommendations/rebalance').body)).toEqual({
      noticeTime: '2026-11-22T06:00:00Z',
    });
  });

  it.each([
    ['meta-data/instance-id', 'i-0123456789abcdef0'],
    ['meta-data/instance-type', 'g4dn.xlarge'],
    ['meta-data/ami-id', 'ami-0f24e5b7febd29ea3'],
    ['meta-data/local-ipv4', '10.20.0.10'],
    ['meta-data/placement/region', 'us-west-2'],
    ['meta-data/placement/availability-zone', 'us-west-2b'],
    ['meta-data/tags/instance/carrierarr:worker', 'gpu-1'],
    ['meta-data/tags/instance/carrierarr%3Aworker', 'gpu-1'],
    ['user-data', USER_DATA],
  ])('knows %s', (path, value) => {
    expect(aService().read(path)).toMatchObject({ status: 200, body: value });
  });

  it.each([
    ['meta-data/tags/instance/', 'carrierarr:role\ncarrierarr:worker'],
    ['meta-data/tags/instance', 'carrierarr:role\ncarrierarr:worker'],
    ['meta-data/placement/', 'availability-zone\nregion'],
    ['meta-data/iam/', 'security-credentials/'],
    ['', 'dynamic/\nmeta-data/\nuser-data'],
  ])('lists %s', (path, names) => {
    expect(aService().read(path)).toMatchObject({ status: 200, body: names });
  });

  it('hands out credentials of the role that tell the instance', () => {
    const { read } = aService();

    const role = read('meta-data/iam/security-credentials/').body;
    const credentials = JSON.parse(read(`meta-data/iam/security-credentials/${role}`).body);

    expect(credentials).toMatchObject({ Code: 'Success', Expiration: '2026-11-21T06:00:00.000Z' });
    expect(instanceIdOf(credentials.AccessKeyId)).toBe('i-0123456789abcdef0');
  });

  it('has an identity document', () => {
    const document = JSON.parse(aService().read('dynamic/instance-identity/document').body);

    expect(document).toMatchObject({
      accountId: '000000000000',
      instanceId: 'i-0123456789abcdef0',
      region: 'us-west-2',
      privateIp: '10.20.0.10',
    });
  });

  it('refuses version 1: a read without a session', () => {
    expect(aService().call('GET', '/latest/meta-data/instance-id').status).toBe(401);
  });

  it('refuses a token it never gave and one whose time is over', () => {
    const { read, pass } = aService();

    expect(read('user-data', 'made-up').status).toBe(401);
    pass(301);
    expect(read('user-data').status).toBe(401);
  });

  it.each([0, 21_601, Number.NaN, 1.5])('opens no session for %s seconds', (seconds) => {
    expect(aService().open(seconds).status).toBe(400);
  });

  it('opens no session for a request that a proxy forwarded', () => {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '60', 'x-forwarded-for': '10.0.0.1' };

    expect(aService().call('PUT', '/latest/api/token', headers).status).toBe(403);
  });

  it('answers 404 for what an instance does not have', () => {
    const { read } = aService();

    expect(read('meta-data/spot/instance-action').status).toBe(404);
    expect(read('meta-data/%zz').status).toBe(404);
  });

  it('answers 405 for what changes something', () => {
    expect(aService().call('POST', '/latest/user-data').status).toBe(405);
  });
});
