import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { OUTPUT, stackName } from '#contract';
import type { Cloud } from '../../../local/cloud.ts';
import { Doors } from '../../../local/deploy/doors.ts';

/** Name of the lighthouse behind the cluster that a request means when it names none. */
export const DEFAULT_SERVER = 'scenario-server';

const LIMIT_MILLISECONDS = 300_000;
const POLL_MILLISECONDS = 300;

/**
 * Opens the fleet's default cluster, so that every scenario may ask for a gpu-worker without more. Scenarios that do
 * something to a cluster open one of their own, by a name that nobody else uses.
 */
export const openDefaultCluster = async ({ endpoint, region, fleet }: Cloud): Promise<void> => {
  const doors = new Doors(endpoint, region);
  const states = new SFNClient({ endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
  try {
    const { [OUTPUT.provisionStateMachine]: stateMachineArn } = await doors.outputs(stackName(fleet, 'fleet'));
    const input = JSON.stringify({ name: DEFAULT_SERVER, role: 'lighthouse' });
    const { executionArn } = await states.send(new StartExecutionCommand({ stateMachineArn, input }));
    const end = Date.now() + LIMIT_MILLISECONDS;
    for (;;) {
      const { status, error, cause } = await states.send(new DescribeExecutionCommand({ executionArn }));
      if (status === 'SUCCEEDED') return;
      if (status !== 'RUNNING') throw new Error(`the default cluster was not opened: ${status} ${error}: ${cause}`);
      if (Date.now() > end) throw new Error(`the default cluster was not open within ${LIMIT_MILLISECONDS} ms`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  } finally {
    doors.close();
    states.destroy();
  }
};
