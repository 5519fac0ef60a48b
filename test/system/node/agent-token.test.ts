import { describe, expect, it } from 'vitest';
import { secretValue } from '../../ssm/fake-instance.ts';
import { anAgentToken, anIdentity } from '../../ssm/identity-builders.ts';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { aNode } from './support.ts';

const { secret: SECRET } = anIdentity();

describe.skipIf(sandboxObstacle !== undefined)('the boot', () => {
  it("leaves the agent's token to root alone, and only as long as its secret has one", async () => {
    const token = anAgentToken();
    const { node, instance, boot } = await aNode({ secret: [secretValue({ ...SECRET, agent_token: token })] });
    await node.stub('curl', 'printf "%s\\n" "$@" >>/run/arguments\nexec /usr/bin/curl "$@"');

    const { stdout, stderr } = await boot();

    expect(await node.read('/run/carrierarr/agent-token')).toBe(`${token}\n`);
    expect(await node.shell('stat -c "%a %U" /run/carrierarr/agent-token')).toBe('600 root\n');
    const seen = [stdout, stderr, await node.read('/run/arguments'), await node.shell('cat /var/log/carrierarr/*')];
    expect(seen.join()).not.toContain(token);

    instance.secret = [secretValue({ ...SECRET, agent_token: 'odd text' })];
    const { code, stderr: again } = await boot();

    expect(code).toBe(0);
    expect(again).toContain("the secret's agent_token is no token");
    expect(again).not.toContain('odd text');
    await expect(node.read('/run/carrierarr/agent-token')).rejects.toThrow(/No such file/);
  });
});
