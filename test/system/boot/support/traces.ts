import { CREDENTIALS } from '../../../ssm/fake-instance.ts';
import type { Switched, World } from './world.ts';

/** Lines of a PEM's base64 body. */
const bodyOf = (pem = ''): string[] => pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));

/** What nobody may find on a machine outside the places that are made for it. */
export const hiddenOf = ({ secret }: Switched): string[] => [
  ...bodyOf(secret.nebula_node_key),
  ...[secret.k3s_token, secret.k3s_agent_token, secret.agent_token].filter((token) => token !== undefined),
  CREDENTIALS.SecretAccessKey,
  CREDENTIALS.Token,
];

/** Where secrets may lie: in memory, and gone with it. */
const ALLOWED = /^\/etc\/(nebula|rancher)\/|^\/run\/carrierarr\/agent-token$/;

/** The disk is looked at from outside, as what differs from the image. */
const LOOK = `
look() { grep --files-with-matches --fixed-strings --file=/dev/fd/3 "$@" 3<<<"$pieces" || true; }
pieces=$(cat)
for folder in /run /tmp /dev/shm; do look --recursive --no-messages "$folder"; done
journalctl --no-pager --output=export | look --label=journal
cat /proc/[0-9]*/cmdline 2>/dev/null | look --label=arguments
for each in /proc/[0-9]*; do
  if [[ $each != "/proc/$$" && $each != "/proc/$BASHPID" ]]; then look --no-messages "$each/environ"; fi
done
`;

/** Places on a running machine, its disk and its console that hold a secret and should not. */
export const tracesOf = async (world: World, switched: Switched): Promise<string[]> => {
  const hidden = hiddenOf(switched);
  const pieces = `${hidden.join('\n')}\n`;
  const { machine } = switched;
  const disk = `/run/machines/${machine.name}/upper`;
  const [inside, onDisk] = await Promise.all([
    machine.sh(LOOK, pieces),
    world.ground.run(`grep --recursive --files-with-matches --fixed-strings --file=- ${disk} || true`, {}, pieces),
  ]);
  const places = [...inside.split('\n'), ...onDisk.split('\n').map((path) => path.replace(disk, ''))];
  const consoles = hidden.some((piece) => world.console(switched).includes(piece)) ? ['console'] : [];
  return [...new Set([...places, ...consoles])].filter((place) => place !== '' && !ALLOWED.test(place));
};
