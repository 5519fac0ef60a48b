/** Flags of the known agent, and the variable that says the same. A flag wins. */
const FLAGS: Readonly<Record<string, string>> = {
  'control-plane': 'CONTROL_PLANE_ADDR',
  type: 'NODE_TYPE',
  'health-port': 'WORKER_AGENT_HEALTH_PORT',
  'instance-id': 'INSTANCE_ID',
  'nebula-ip': 'NEBULA_IP',
  'public-ip': 'PUBLIC_IP',
  region: 'AWS_REGION',
  az: 'AWS_AVAILABILITY_ZONE',
};

export interface ReadFlags {
  readonly variables: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
}

const faultOf = (argument: string, name: string): string => {
  if (name.startsWith('rabbitmq'))
    return `--${name}: agents reach the control plane by gRPC alone, there is no RabbitMQ; leave the flag out`;
  const allowed = Object.keys(FLAGS)
    .map((flag) => `--${flag}`)
    .join(' ');
  return `${name === '' ? argument : `--${name}`}: unknown, allowed: ${allowed}`;
};

/** Reads `--name value`, `--name=value` and both with one dash, as known agents take them. Values are never shown. */
export const readFlags = (argv: readonly string[]): ReadFlags => {
  const variables: Record<string, string> = {};
  const faults: string[] = [];
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [, name = '', inline] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(argument) ?? [];
    const value = inline ?? (rest[0]?.startsWith('--') === true ? undefined : rest.shift());
    const variable = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
    if (variable === undefined) faults.push(faultOf(argument, name));
    else if (value === undefined) faults.push(`--${name}: wants a value`);
    else variables[variable] = value;
  }
  return { variables, faults };
};
