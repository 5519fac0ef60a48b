/**
 * The one table from state names to what a person sees. A state belongs to the phase with the longest prefix of its
 * name, so that `AwaitBoot`, `AwaitBootCheck` and `AwaitBootWait` are one line of progress.
 */
export interface PhaseName {
  readonly id: string;
  readonly title: string;
}

interface PhaseRow extends PhaseName {
  readonly prefixes: readonly string[];
}

export const PHASE_TABLE: readonly PhaseRow[] = [
  { id: 'reserve', title: 'Reserve name and mesh address', prefixes: ['Reserve'] },
  { id: 'homelab', title: 'Look at the homelab', prefixes: ['FindHomelab', 'HomelabPreflight'] },
  { id: 'cluster', title: 'Wait for the cluster', prefixes: ['AwaitCluster'] },
  { id: 'identity', title: 'Issue certificate, store secret', prefixes: ['IssueIdentity', 'Identity'] },
  { id: 'launch', title: 'Launch instance', prefixes: ['LaunchInstance', 'Launch'] },
  { id: 'ssm', title: 'Wait for Systems Manager', prefixes: ['AwaitSsm'] },
  { id: 'boot', title: 'Wait for boot', prefixes: ['AwaitBoot', 'Booted', 'MarkBooted'] },
  { id: 'mesh', title: 'Verify mesh', prefixes: ['VerifyMesh', 'Meshed', 'MarkMeshed'] },
  { id: 'cilium', title: 'Install Cilium', prefixes: ['InstallCilium'] },
  { id: 'liqo', title: 'Install Liqo', prefixes: ['InstallLiqo'] },
  { id: 'peer', title: 'Peer clusters', prefixes: ['PeerClusters'] },
  { id: 'peering', title: 'Verify peering', prefixes: ['VerifyPeering'] },
  { id: 'clustermesh', title: 'Connect ClusterMesh', prefixes: ['ConnectClusterMesh', 'ClusterMesh'] },
  { id: 'gpu', title: 'Verify GPU', prefixes: ['VerifyGpu'] },
  { id: 'join', title: 'Join cluster', prefixes: ['JoinCluster'] },
  { id: 'agent', title: 'Verify agent', prefixes: ['VerifyAgent'] },
  { id: 'service', title: 'Enter service', prefixes: ['EnterService'] },
  { id: 'ready', title: 'Mark ready', prefixes: ['MarkReady'] },
  { id: 'rollback', title: 'Roll back', prefixes: ['RollBack', 'RecordFailure'] },
  { id: 'fence', title: 'Fence the worker', prefixes: ['FenceWorker', 'Fence'] },
  { id: 'cancel', title: 'Cancel open commands', prefixes: ['CancelCommand'] },
  { id: 'drain', title: 'Drain node, leave the cluster', prefixes: ['Drain', 'LeaveCluster'] },
  { id: 'unpeer', title: 'Unpeer clusters', prefixes: ['Unpeer', 'ForceUnpeer'] },
  { id: 'revoke', title: 'Revoke certificate, delete secret', prefixes: ['RevokeIdentity', 'Revoke'] },
  { id: 'terminate', title: 'Terminate instance', prefixes: ['TerminateInstance', 'AwaitTermination'] },
  { id: 'release', title: 'Release mesh address', prefixes: ['ReleaseAddress'] },
  { id: 'deregister', title: 'Deregister image', prefixes: ['DeregisterImage', 'DeregisterAmi'] },
  { id: 'proof', title: 'Prove nothing is left', prefixes: ['Prove', 'AwaitProof'] },
  { id: 'removed', title: 'Mark removed', prefixes: ['MarkRemoved'] },
  { id: 'due', title: 'Find certificates that are due', prefixes: ['FindDue', 'Due'] },
  { id: 'renew', title: 'Renew certificate', prefixes: ['Renew', 'SwapCertificate'] },
  { id: 'sweep', title: 'Sweep', prefixes: ['Sweep'] },
];

/** `InstallNvidiaDriver` → `Install nvidia driver`. */
const humanise = (state: string): string => {
  const words = state.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** The phase of a state; undefined when the table does not know it. */
export const knownPhase = (state: string): PhaseName | undefined => {
  let best: PhaseRow | undefined;
  let length = 0;
  for (const row of PHASE_TABLE) {
    for (const prefix of row.prefixes) {
      if (prefix.length > length && state.startsWith(prefix)) [best, length] = [row, prefix.length];
    }
  }
  return best;
};

/** A phase of its own for a task the table does not know (a newer stack than this command). */
export const unknownPhase = (state: string): PhaseName => ({ id: state, title: humanise(state) });
