import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const FILES = 'ami/base/files';
const IMAGES = [FILES, 'ami/lighthouse/files', 'ami/gpu-worker/files'];
const unit = (name: string): string => {
  const file = IMAGES.map((files) => `${files}/etc/systemd/system/${name}`).find(existsSync);
  return readFileSync(file ?? `${FILES}/etc/systemd/system/${name}`, 'utf8');
};
const settings = (name: string, key: string): string[] =>
  [...unit(name).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

/** Names of the units in a folder of files; what ends in `.d` adds to somebody else's. */
const unitsOf = (files: string): string[] =>
  readdirSync(`${files}/etc/systemd/system`)
    .filter((name) => !name.endsWith('.d'))
    .sort();
const program = (name: string): string => {
  const files = IMAGES.map((each) => `${each}${name}`);
  return files.find((file) => existsSync(file)) ?? `${FILES}${name}`;
};

describe('the boot unit', () => {
  it('runs the boot program of the image', () => {
    const [program = ''] = settings('carrierarr-boot.service', 'ExecStart');

    expect(statSync(`${FILES}${program}`).mode & 0o777).toBe(0o755);
    expect(settings('carrierarr-boot.service', 'Type')).toEqual(['oneshot']);
    expect(settings('carrierarr-boot.service', 'WantedBy')).toEqual(['multi-user.target']);
  });

  it('may take longer than the secret does to become readable', () => {
    const boot = readFileSync(`${FILES}/usr/local/lib/carrierarr/boot.sh`, 'utf8');
    const limit = Number(/_SECONDS:-(\d+)\}/.exec(boot)?.[1]);

    expect(Number(settings('carrierarr-boot.service', 'TimeoutStartSec')[0])).toBeGreaterThan(limit + 60);
  });

  it('runs early: it waits neither for cloud-init nor for the network to be online', () => {
    expect(settings('carrierarr-boot.service', 'DefaultDependencies')).toEqual(['no']);
    expect(unit('carrierarr-boot.service')).not.toMatch(
      /^(After|Wants|Requires)=.*(cloud-|network-online|basic\.target)/m,
    );
    expect(settings('carrierarr-boot.service', 'After')[0]?.split(' ')).toContain('systemd-networkd.service');
  });

  it('is spoken for where it cannot give a verdict itself', () => {
    expect(settings('carrierarr-boot.service', 'OnFailure')).toEqual(['carrierarr-boot-failed.service']);
  });

  it.each(['carrierarr-boot.service', 'nebula.service'])('%s needs the memory that holds the key', (name) => {
    expect(settings(name, 'RequiresMountsFor')[0]?.split(' ')).toContain('/etc/nebula');
    expect(settings('etc-nebula.mount', 'Where')).toEqual(['/etc/nebula']);
    expect(settings('etc-nebula.mount', 'Type')).toEqual(['tmpfs']);
    expect(settings('etc-nebula.mount', 'Options')[0]).toContain('mode=0700');
  });
});

describe('the units of every image', () => {
  const units = IMAGES.flatMap(unitsOf);

  it.each(units)('%s names programs of ours that exist and may be run', (name) => {
    const programs = ['ExecStartPre', 'ExecStart', 'ExecStartPost']
      .flatMap((key) => settings(name, key))
      .flatMap((command) => /\/usr\/local\/lib\/carrierarr\/\S+/.exec(command) ?? []);

    for (const each of programs) expect(statSync(program(each)).mode & 0o777).toBe(0o755);
  });

  const early = units.filter((name) => settings(name, 'DefaultDependencies')[0] === 'no');
  // Nothing runs on, and its rules are to stay until the last container is gone.
  it.each(early.filter((name) => name !== 'carrierarr-imds-guard.service'))(
    '%s, which starts early, still ends when the machine does',
    (name) => {
      expect(settings(name, 'Conflicts')).toEqual(['shutdown.target']);
      expect(settings(name, 'Before')[0]).toContain('shutdown.target');
    },
  );

  it('that are enabled are those that say by what', () => {
    const enabled = readFileSync('ami/base/units.txt', 'utf8')
      .split('\n')
      .filter((line) => /^\w/.test(line));

    const wanted = unitsOf(FILES).filter((name) => /^\[Install\]$/m.test(unit(name)));
    expect(enabled.sort()).toEqual(wanted);
  });
});

describe('the nebula unit', () => {
  it('is started by the boot program alone: neither ordered after it nor enabled', () => {
    expect(unit('nebula.service')).not.toMatch(/^(After|Requires|Wants)=/m);
    expect(unit('nebula.service')).not.toMatch(/^\[Install\]/m);
    expect(settings('nebula.service', 'ConditionPathExists')).toEqual(['/etc/nebula/config.yml']);
  });

  it('waits for its word, comes back by itself and rereads its files on a signal', () => {
    expect(settings('nebula.service', 'Type')).toEqual(['notify']);
    expect(settings('nebula.service', 'Restart')).toEqual(['always']);
    expect(settings('nebula.service', 'ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
  });
});

describe.each(['k3s', 'k3s-agent'])('the unit of %s', (name) => {
  it('is started by the boot program alone and waits neither for it nor for Nebula', () => {
    expect(unit(`${name}.service`)).not.toMatch(/^\[Install\]|^(After|Requires|Wants|BindsTo)=/m);
    expect(settings(`${name}.service`, 'ConditionPathExists')).toEqual(['/etc/rancher/k3s/config.yaml']);
  });

  it('waits for its node address and may fail to load what is in the kernel already', () => {
    const before = settings(`${name}.service`, 'ExecStartPre');

    expect(before.at(-1)).toBe('/usr/local/lib/carrierarr/await-node-address.sh');
    expect(before.slice(0, -1).every((command) => command.startsWith('-modprobe '))).toBe(true);
    expect(statSync(`${FILES}${before.at(-1)}`).mode & 0o777).toBe(0o755);
  });

  it('marks the moment it is ready, and runs on where that fails', () => {
    expect(settings(`${name}.service`, 'ExecStartPost')).toEqual(['-/usr/local/lib/carrierarr/mark.sh k3s-ready']);
  });

  it('comes back by itself and leaves its containers alone when it goes', () => {
    expect(settings(`${name}.service`, 'Restart')).toEqual(['always']);
    expect(settings(`${name}.service`, 'KillMode')).toEqual(['process']);
    expect(settings(`${name}.service`, 'Delegate')).toEqual(['yes']);
    expect(settings(`${name}.service`, 'TimeoutStartSec')).toEqual(['0']);
  });
});

describe('the images', () => {
  it('have k3s on a lighthouse, its agent and Ollama on a gpu-worker', () => {
    expect(unitsOf('ami/lighthouse/files')).toEqual(['k3s.service']);
    expect(unitsOf('ami/gpu-worker/files')).toEqual([
      'carrierarr-instance-store.service',
      'k3s-agent.service',
      'nvidia-persistenced.service',
      'ollama.service',
    ]);
  });

  it('start Ollama once the GPU and the place of its models are there, and go on without them', () => {
    const units = ['nvidia-persistenced.service', 'carrierarr-instance-store.service'];

    expect(settings('ollama.service', 'After')[0]?.split(' ')).toEqual(units);
    expect(settings('ollama.service', 'Wants')[0]?.split(' ')).toEqual(units);
    expect(settings('ollama.service', 'StateDirectory')).toEqual(['ollama']);
    expect(settings('carrierarr-instance-store.service', 'ExecStart')[0]).toMatch(/ \/var\/lib\/private\/ollama$/);
    expect(settings('carrierarr-instance-store.service', 'ConditionVirtualization')).toEqual(['!container']);
  });

  it('put Ollama nowhere but where the boot program says', () => {
    expect(settings('ollama.service', 'EnvironmentFile')).toEqual(['/etc/carrierarr/node.env']);
    expect(unit('ollama.service')).not.toMatch(/^Environment=.*OLLAMA_HOST/m);
  });

  it('tell the agent its type and its address, which it does not read from the environment', () => {
    expect(settings('worker-agent.service', 'ExecStart')[0]).toMatch(
      /^worker-agent --type \$\{NODE_TYPE\} --nebula-ip \$\{NEBULA_IP\}$/,
    );
    expect(settings('worker-agent.service', 'EnvironmentFile')).toEqual([
      '/etc/worker-agent/env',
      '-/etc/carrierarr/node.env',
    ]);
  });

  it('leave the agent alone where the image was built without its program', () => {
    expect(settings('worker-agent.service', 'ConditionFileIsExecutable')).toEqual(['/usr/local/bin/worker-agent']);
  });

  it('keep systemd-networkd from removing the rules of Cilium and Liqo', () => {
    const text = readFileSync(`${FILES}/etc/systemd/networkd.conf.d/10-cni.conf`, 'utf8');

    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      '[Network]',
      'ManageForeignRoutes=no',
      'ManageForeignRoutingPolicyRules=no',
    ]);
  });
});
