import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CopyImageCommand, CreateTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-ec2';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';
import { COPY, imageAccount, NEW, OLD, OURS } from '../support/image-account.ts';
import { anEc2Image, daysAgo } from '../support/images.ts';

const account = imageAccount();
const { ec2, ssm, state } = account;

let fleet: DeployedFleet;
beforeEach(async () => {
  account.reset();
  fleet = await deployedFleet();
});
afterEach(() => fleet.close());

describe('ami publish', () => {
  it('tags the image, writes the parameter as an image, reads it back and lets the one before go', async () => {
    const { code, out } = await fleet.run(`ami publish ${NEW}`);

    expect(code).toBe(0);
    expect(ec2.commandCalls(CreateTagsCommand).map(({ args }) => args[0].input)).toEqual([
      { Resources: ['snap-11'], Tags: [{ Key: 'carrierarr:fleet', Value: 'carrierarr' }] },
      {
        Resources: [NEW],
        Tags: [
          { Key: 'carrierarr:fleet', Value: 'carrierarr' },
          { Key: 'carrierarr:keep', Value: 'published' },
        ],
      },
    ]);
    expect(ssm.commandCalls(PutParameterCommand)[0]?.args[0].input).toEqual({
      Name: '/carrierarr/ami/gpu-worker',
      Value: NEW,
      Type: 'String',
      DataType: 'aws:ec2:image',
      Overwrite: true,
    });
    expect(ec2.commandCalls(DeleteTagsCommand).map(({ args }) => args[0].input)).toEqual([
      { Resources: [OLD], Tags: [{ Key: 'carrierarr:keep', Value: 'published' }] },
    ]);
    expect(out).toContain(`published ${NEW} as gpu-worker in us-west-2: /carrierarr/ami/gpu-worker\n`);
    expect(out).toContain(`replaces ${OLD}, 10d old`);
  });

  it('marks before it writes, and lets go after: neither image is ever without protection', async () => {
    const order: string[] = [];
    ec2.on(CreateTagsCommand).callsFake(() => void order.push('mark'));
    ec2.on(DeleteTagsCommand).callsFake(() => void order.push('let go'));
    ssm.on(PutParameterCommand).callsFake(({ Value }: { Value: string }) => {
      order.push('write');
      state.parameter = Value;
      return {};
    });

    await fleet.run(`ami publish ${NEW}`);

    expect(order).toEqual(['mark', 'mark', 'write', 'let go']);
  });

  it('changes nothing the second time', async () => {
    state.parameter = NEW;
    state.images = [anEc2Image('11', { ...OURS, 'carrierarr:keep': 'published' })];

    const { code, out } = await fleet.run(`ami publish ${NEW}`);

    expect(code).toBe(0);
    expect(account.changes()).toEqual([]);
    expect(out).not.toContain('replaces');
  });

  it("leaves a mark that is somebody's will, on the new one and on the old", async () => {
    state.images = [
      anEc2Image('11', { ...OURS, 'carrierarr:keep': 'golden' }),
      anEc2Image('22', { ...OURS, 'carrierarr:keep': 'true' }),
    ];

    await fleet.run(`ami publish ${NEW}`);

    expect(account.changed()).toEqual(['PutParameterCommand']);
  });

  it('lets images go as well that a pipeline has replaced', async () => {
    state.images.push(anEc2Image('44', { ...OURS, 'carrierarr:keep': 'published' }));

    await fleet.run(`ami publish ${NEW}`);

    expect(ec2.commandCalls(DeleteTagsCommand).map(({ args }) => args[0].input.Resources)).toEqual([
      [OLD],
      ['ami-0000000044'],
    ]);
  });

  it('gives up where Systems Manager does not take the image, and lets nothing go', async () => {
    ssm.on(PutParameterCommand).resolves({});

    const { code, err } = await fleet.run(`ami publish ${NEW}`);

    expect(code).toBe(1);
    expect(err).toContain(`did not take the image ${NEW}`);
    expect(err).toContain(OLD);
    expect(ec2.commandCalls(DeleteTagsCommand)).toHaveLength(0);
  });

  it('tells machines each phase and one result', async () => {
    const { out } = await fleet.run(`ami publish ${NEW} --json`);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

    expect(events.filter(({ status }) => status === 'done').map(({ phase }) => phase)).toEqual([
      'tag',
      'parameter',
      'release',
    ]);
    expect(events.at(-1)).toEqual({
      event: 'result',
      amiId: NEW,
      role: 'gpu-worker',
      parameter: '/carrierarr/ami/gpu-worker',
      region: 'us-west-2',
      replaces: OLD,
      copiedFrom: null,
    });
  });
});

describe('ami publish from another region', () => {
  const appear = (...states: string[]): void => {
    ec2.on(CopyImageCommand).callsFake(() => {
      const copy = anEc2Image('33', { ...OURS, 'carrierarr:copied-from': `us-east-1:${NEW}` });
      state.images.push(copy);
      const next = (): void => {
        copy.State = (states.shift() ?? 'available') as 'available';
      };
      Object.defineProperty(copy, 'ImageId', {
        enumerable: true,
        get: () => {
          next();
          return COPY;
        },
      });
      return { ImageId: COPY };
    });
  };

  it('copies it encrypted under its name with its tags, waits and publishes the copy', async () => {
    state.images = [
      anEc2Image('11', { 'carrierarr:nebula-version': '1.9.7', 'carrierarr:keep': 'true', 'aws:x': 'y' }),
    ];
    appear('pending', 'pending', 'available');

    const { code, out } = await fleet.run(`ami publish ${NEW} --from us-east-1`);

    const { ClientToken, TagSpecifications, ...copy } = ec2.commandCalls(CopyImageCommand)[0]?.args[0].input ?? {};
    const tags = [
      { Key: 'carrierarr:image', Value: 'gpu-worker' },
      { Key: 'carrierarr:nebula-version', Value: '1.9.7' },
      { Key: 'carrierarr:fleet', Value: 'carrierarr' },
      { Key: 'carrierarr:copied-from', Value: `us-east-1:${NEW}` },
    ];
    expect(code).toBe(0);
    expect(copy).toEqual({
      Name: 'catalyst-gpu-worker-11',
      SourceImageId: NEW,
      SourceRegion: 'us-east-1',
      Encrypted: true,
    });
    expect(ClientToken).toMatch(/^.{10,64}$/);
    expect(TagSpecifications).toEqual([
      { ResourceType: 'image', Tags: tags },
      { ResourceType: 'snapshot', Tags: tags },
    ]);
    expect(state.parameter).toBe(COPY);
    expect(out).toMatch(/Copy from us-east-1: done[\s\S]*published ami-0000000033/);
  });

  it('goes on with the copy of an interrupted command instead of making another', async () => {
    state.images.push(anEc2Image('33', { ...OURS, 'carrierarr:copied-from': `us-east-1:${NEW}` }));

    const { code } = await fleet.run(`ami publish ${NEW} --from us-east-1`);

    expect(code).toBe(0);
    expect(ec2.commandCalls(CopyImageCommand)).toHaveLength(0);
    expect(state.parameter).toBe(COPY);
  });

  it('says so when the copy fails, and writes nothing', async () => {
    appear('pending', 'failed', 'failed', 'failed');

    const { code, err } = await fleet.run(`ami publish ${NEW} --from us-east-1`);

    expect(code).toBe(1);
    expect(err).toContain(`${COPY} did not become available`);
    expect(state.parameter).toBe(OLD);
  });

  it('does not copy what is in the region of the fleet', async () => {
    await fleet.run(`ami publish ${NEW} --from us-west-2`);

    expect(ec2.commandCalls(CopyImageCommand)).toHaveLength(0);
  });

  it('leaves a copy going on when it is interrupted, and says how to go on', async () => {
    const controller = new AbortController();
    const interruption = { signal: controller.signal, notice: '', arm: () => {}, disarm: () => {} };
    ec2.on(CopyImageCommand).callsFake(() => {
      controller.abort();
      return { ImageId: COPY };
    });

    const { code, err } = await fleet.run(`ami publish ${NEW} --from us-east-1`, { interruption });

    expect(code).toBe(130);
    expect(err).toContain('the same command again');
    expect(state.parameter).toBe(OLD);
  });
});

describe("ami publish of Packer's manifest", () => {
  const directory = mkdtempSync(join(tmpdir(), 'carrierarr-publish-'));
  afterEach(() => rmSync(join(directory, 'manifest.json'), { force: true }));

  it('takes image, region and role from it', async () => {
    const build = { artifact_id: `us-west-2:${NEW}`, packer_run_uuid: 'one', custom_data: { image: 'gpu-worker' } };
    const file = join(directory, 'manifest.json');
    writeFileSync(file, JSON.stringify({ builds: [build], last_run_uuid: 'one' }));

    const { code } = await fleet.run(['ami', 'publish', '--manifest', file]);

    expect(code).toBe(0);
    expect(state.parameter).toBe(NEW);
  });

  it('tells an old image by its age', async () => {
    state.images = [anEc2Image('11'), anEc2Image('22', OURS, { CreationDate: daysAgo(120).toISOString() })];

    expect((await fleet.run(`ami publish ${NEW}`)).out).toContain(`replaces ${OLD}, 120d old`);
  });
});
