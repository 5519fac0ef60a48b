import type { NodeSandbox } from '../../ssm/node-sandbox.ts';

/**
 * kubectl, helm and cilium that answer from files below /run/kube and write down what they were asked (`calls`): for the
 * ways in which the real ones fail. The stand-ins, which keep state as a cluster does, are for the ways in which they work.
 */
const KUBECTL = `
echo "kubectl $*" >>/run/kube/calls
for word in "$@"; do case $word in --request-timeout=*) shift ;; esac; done
verb=$1 kind=$2
[[ ! -e /run/kube/$verb.fail ]] || { cat /run/kube/$verb.fail >&2; exit 1; }
[[ $verb != apply ]] || { cat >>/run/kube/applied; exit; }
case "$verb $kind" in
  'get --raw') cat /run/kube/readyz 2>/dev/null || { echo 'The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?' >&2; exit 1; } ;;
  'get node') [[ ! -e /run/kube/node.json ]] || if [[ "$*" == *'-o name'* ]]; then echo "node/$3"; else cat /run/kube/node.json; fi ;;
  'get pod') cat "/run/kube/pod-\${3%%-*}.json" 2>/dev/null || true ;;
  'get '*) cat "/run/kube/$kind.json" 2>/dev/null || echo '{"items":[]}' ;;
  'delete node') rm -f /run/kube/node.json ;;
  'delete secret') echo '[]' >/run/kube/releases.json ;;
esac`;

const HELM = `
echo "helm $*" >>/run/kube/calls
case "$1 $2" in
  'list --all') cat /run/kube/releases.json 2>/dev/null || echo '[]' ;;
  'get values') cat /run/kube/values.json ;;
esac`;

const CILIUM = `
echo "cilium $*" >>/run/kube/calls
[[ ! -e /run/kube/cilium.fail ]] || { cat /run/kube/cilium.fail; exit 1; }
cp /run/kube/node-ready.json /run/kube/node.json`;

export const aKubeNode = (name: string, ready: boolean, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    metadata: { name, labels: {} },
    status: {
      conditions: [
        { type: 'MemoryPressure', status: 'False' },
        ready
          ? { type: 'Ready', status: 'True', reason: 'KubeletReady' }
          : {
              type: 'Ready',
              status: 'False',
              message: 'container runtime network not ready: cni plugin not initialized',
            },
      ],
      ...more,
    },
  });

/** A pod that never got its image. */
export const stuckPods = (namespace: string, name: string): string =>
  JSON.stringify({
    items: [
      {
        metadata: { namespace, name },
        status: {
          phase: 'Pending',
          conditions: [{ type: 'Ready', status: 'False' }],
          containerStatuses: [
            {
              name: 'main',
              ready: false,
              restartCount: 0,
              state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image\n"quay.io/x"' } },
            },
          ],
        },
      },
      {
        metadata: { namespace, name: 'fine' },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      },
    ],
  });

/** Puts the stubs onto a node whose k3s answers. */
export const stubCluster = async (node: NodeSandbox): Promise<void> => {
  await node.write('/etc/rancher/k3s/k3s.yaml', 'apiVersion: v1\n', '0600');
  await node.write('/run/kube/readyz', 'ok');
  await node.stub('kubectl', KUBECTL);
  await node.stub('helm', HELM);
  await node.stub('cilium', CILIUM);
};

export const calls = async (node: NodeSandbox, program: string): Promise<string[]> =>
  (await node.shell('cat /run/kube/calls')).split('\n').filter((line) => line.startsWith(`${program} `));
