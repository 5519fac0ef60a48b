/** Opens a port where it runs, hands it to its parent and ends: the port stays in this process's network. */
import { createServer } from 'node:net';

const [host, port] = process.argv.slice(2);
const server = createServer();
server.listen(Number(port), host, () => process.send?.('listening', server, () => process.exit(0)));
