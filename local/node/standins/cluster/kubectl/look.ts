import { KubeError } from '../client/kube-client.ts';
import { type KubeObject, listAt, textAt, textsAt } from '../object.ts';
import { Exit, printJson } from '../program.ts';
import type { Session } from './session.ts';

const podBehind = async (session: Session): Promise<KubeObject> => {
  const { client, flags, namespace } = session;
  const [word = ''] = session.words;
  const [type = '', name] = word.includes('/') ? word.split('/') : ['pods', word];
  if (flags.has('selector')) {
    const [pod] = await client.list({ resource: 'pods', namespace, selector: flags.get('selector') });
    if (pod === undefined) throw new Exit(0, `No resources found in ${namespace} namespace.`);
    return pod;
  }
  const object = await client.get({ resource: type, name: name ?? '', namespace });
  if (object.kind === 'Pod') return object;
  const selector = Object.entries(textsAt(object, 'spec', 'selector', 'matchLabels'))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const jobSelector = object.kind === 'Job' ? `job-name=${object.metadata.name}` : selector;
  const [pod] = await client.list({ resource: 'pods', namespace, selector: jobSelector });
  if (pod === undefined) throw new Exit(1, 'error: timed out waiting for the condition');
  return pod;
};

/** `kubectl logs`. */
export const logs = async (session: Session): Promise<number> => {
  const { client, flags } = session;
  const pod = await podBehind(session);
  const { name, namespace } = pod.metadata;
  const [state] = listAt(pod, 'status', 'containerStatuses');
  const waiting = textAt(state, 'state', 'waiting', 'reason');
  if (waiting !== '') {
    const container = textAt(state, 'name');
    const message = `container "${container}" in pod "${name}" is waiting to start: ${waiting}`;
    throw new KubeError(400, 'BadRequest', message);
  }
  const query = new URLSearchParams();
  const tail = flags.get('tail');
  if (tail !== undefined && tail !== '-1') query.set('tailLines', tail);
  const limit = flags.get('limit-bytes');
  if (limit !== undefined) query.set('limitBytes', limit);
  const { status, text } = await client.raw(
    'GET',
    `/api/v1/namespaces/${namespace}/pods/${name}/log?${query.toString()}`,
  );
  if (status >= 400) throw new KubeError(status, 'Forbidden', textAt(JSON.parse(text), 'message'));
  process.stdout.write(text);
  return 0;
};

const CLIENT = {
  major: '1',
  minor: '31',
  gitVersion: 'v1.31.4',
  gitTreeState: 'clean',
  platform: 'linux/amd64',
};
const KUSTOMIZE = 'v5.4.2';

/** `kubectl version`: without a server the client's part is printed all the same. */
export const version = async (session: Session): Promise<number> => {
  const asJson = session.flags.get('output') === 'json';
  const head = { clientVersion: CLIENT, kustomizeVersion: KUSTOMIZE };
  const text = `Client Version: ${CLIENT.gitVersion}\nKustomize Version: ${KUSTOMIZE}\n`;
  const alone = (): void => (asJson ? printJson(head) : void process.stdout.write(text));
  if (session.flags.on('client')) {
    alone();
    return 0;
  }
  let answer: unknown;
  try {
    const { text: body } = await session.client.raw('GET', '/version');
    answer = JSON.parse(body);
  } catch (error) {
    alone();
    throw error;
  }
  if (asJson) printJson({ ...head, serverVersion: answer });
  else process.stdout.write(`${text}Server Version: ${textAt(answer, 'gitVersion')}\n`);
  return 0;
};

/** `kubectl auth can-i VERB RESOURCE`. */
export const auth = async (session: Session): Promise<number> => {
  const [what, verb = '', type = ''] = session.words;
  if (what !== 'can-i') throw new Exit(1, `error: unknown command "auth ${what ?? ''}"`);
  const [plural = '', ...group] = (type.split('/')[0] ?? '').split('.');
  const subresource = session.flags.get('subresource') ?? '';
  const namespace = session.flags.on('all-namespaces') ? '' : session.namespace;
  const { status, text } = await session.client.raw('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb, group: group.join('.'), resource: plural, subresource, namespace } },
  });
  if (status >= 400) throw new KubeError(status, 'Forbidden', textAt(JSON.parse(text), 'message'));
  const allowed = textAt(JSON.parse(text), 'status', 'allowed') === 'true';
  if (!session.flags.on('quiet')) process.stdout.write(allowed ? 'yes\n' : 'no\n');
  return allowed ? 0 : 1;
};
