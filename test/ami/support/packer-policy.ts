import { type Build, type Settings, settingsOf, type Templates } from './packer-templates.ts';

type Rule = readonly [fault: string, holds: (settings: Settings, build: Build) => boolean];

/** How the parser writes an expression that is one name. */
const reference = (name: string): string => `\${${name}}`;
const first = (value: unknown): Settings => (Array.isArray(value) ? Object(value[0]) : {});
const every = (value: unknown, holds: (block: Settings) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(holds);

/** All that an agent needs to be reached; AmazonSSMManagedInstanceCore would read every parameter of the account. */
const SESSION_ACTIONS = [
  'ssm:UpdateInstanceInformation',
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
];

const actionsOf = (settings: Settings): unknown[] => {
  const { Statement } = first(settings.temporary_iam_instance_profile_policy_document);
  return Array.isArray(Statement) ? Statement.flatMap(({ Action }) => Action) : ['none'];
};

// Names of settings are those of the plugin's source: a Packer too old to know them cannot tell a slip of the pen.
const RULES: readonly Rule[] = [
  [
    'the build instance answers IMDSv1',
    ({ metadata_options }) => every(metadata_options, ({ http_tokens }) => http_tokens === 'required'),
  ],
  [
    'metadata of the build instance reaches further than one hop',
    ({ metadata_options }) =>
      every(metadata_options, ({ http_put_response_hop_limit: limit }) => limit === undefined || limit === 1),
  ],
  ['instances of the image answer IMDSv1', ({ imds_support }) => imds_support === 'v2.0'],
  [
    'the builder listens for SSH',
    ({ ssh_interface, communicator }) => `${ssh_interface} ${communicator}` === 'session_manager ssh',
  ],
  [
    'somebody may connect to the builder',
    (settings) =>
      settings.security_group_id === reference('var.security_group_id') &&
      Object.keys(settings).every((name) => !/^(temporary_security_group|security_group_(ids|filter))/.test(name)),
  ],
  [
    'the builder has a lasting key or a password',
    (settings) => Object.keys(settings).every((name) => !/^ssh_(keypair|private_key|password|agent)/.test(name)),
  ],
  [
    'the builder may do more than be reached',
    (settings) => actionsOf(settings).every((action) => SESSION_ACTIONS.includes(String(action))),
  ],
  [
    'a volume is not encrypted',
    ({ launch_block_device_mappings: volumes }) => every(volumes, ({ encrypted }) => encrypted === true),
  ],
  [
    'a volume stays behind or is not gp3',
    ({ launch_block_device_mappings: volumes }) =>
      every(volumes, (volume) => volume.volume_type === 'gp3' && volume.delete_on_termination === true),
  ],
  [
    'the image is shared',
    (settings) => Object.keys(settings).every((name) => !/^(ami|snapshot)_(users|groups|org_arns|ou_arns)$/.test(name)),
  ],
  [
    'a builder left behind lives on',
    ({ shutdown_behavior, user_data }) =>
      shutdown_behavior === 'terminate' && String(user_data).includes('shutdown --poweroff +'),
  ],
  [
    'the parent is not the one of versions.env',
    ({ source_ami_filter }) =>
      Object(first(source_ami_filter).filters).name === reference('local.source_ami_name') &&
      first(source_ami_filter).include_deprecated === true,
  ],
  ['the image is never deprecated', ({ deprecate_at }) => deprecate_at === reference('local.deprecate_at')],
  [
    'snapshots are not marked like the image',
    ({ tags, snapshot_tags }) => tags !== undefined && tags === snapshot_tags,
  ],
  ['the build needs a GPU', ({ instance_type: type }) => /^(t3|m[5-7]i?|c[5-7]i?)\./.test(String(type))],
  [
    'a failing step does not fail the build',
    (_, { provisioner }) =>
      provisioner.shell.every(
        (step) =>
          !('valid_exit_codes' in step || 'expect_disconnect' in step) &&
          !/\|\| *true|exit 0/.test(JSON.stringify(step)) &&
          (step.scripts === undefined || step.execute_command === reference('local.execute')),
      ),
  ],
  ['what was built is not written down', (_, build) => build['post-processor'].manifest?.length === 1],
];

/** `IMAGE: fault` for every rule that a build breaks. */
export const faultsOf = (templates: Templates): string[] =>
  templates.builds.flatMap((build) =>
    RULES.filter(([, holds]) => !holds(settingsOf(templates, build), build)).map(
      ([fault]) => `${build.name}: ${fault}`,
    ),
  );
