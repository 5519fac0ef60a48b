import { DEFAULTS } from './live.ts';

/** What `worker-agent --help` says. */
export const HELP = `worker-agent: tells Carrierarr's control plane how this node is, and does what it is told to

Flag              Variable                   Meaning (default)
--control-plane   CONTROL_PLANE_ADDR         host:port of the control plane (must be given)
--type            NODE_TYPE                  gpu-worker, lighthouse or cpu-worker (gpu-worker)
--nebula-ip       NEBULA_IP                  address in the mesh: sockets are bound to it (that of nebula0)
--health-port     WORKER_AGENT_HEALTH_PORT   port of /health, /ready, /version and /metrics (8080)
--instance-id     INSTANCE_ID                id of the instance (instance metadata)
--public-ip       PUBLIC_IP                  public address (instance metadata)
--region          AWS_REGION                 region (instance metadata)
--az              AWS_AVAILABILITY_ZONE      zone (instance metadata)
                  PRIVATE_IP                 address in the VPC
                  CARRIERARR_WORKER          name of the worker in its fleet
                  CARRIERARR_FLEET           the fleet
                  CARRIERARR_GENERATION      which life of the worker this is
                  CONTROL_PLANE_TLS          on or off (off: the mesh encrypts)
                  CONTROL_PLANE_CA_FILE      PEM of who signed the control plane, with TLS (the system's)
                  WORKER_AGENT_TOKEN_FILE    token shown to the control plane (/run/carrierarr/agent-token)
                  WORKER_AGENT_EXEC          on: the command EXEC is obeyed (off)
                  WORKER_AGENT_BUSY_CORES    work on so many cores is no rest (0.5)
                  WORKER_AGENT_LOG           debug, info, warn or error (info)
--help, --version

The control plane sets the intervals of heartbeat (${DEFAULTS.heartbeatSeconds} s) and status (${DEFAULTS.statusSeconds} s).
`;
