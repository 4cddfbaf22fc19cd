// A site of somebody else: serves host.html, with the address of the meeting's server in it, on an origin of its own.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

const PAGE = new URL('host.html', import.meta.url);

/** The site of the meeting as something that takes the policies away passes it on. */
export async function withoutPolicies(meeting) {
  const server = createServer(async (request, response) => {
    const answer = await fetch(`${meeting}${request.url}`);
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://localhost:${server.address().port}`, close };
}

/** The site's origin is `http://<name>:<port>`; `meeting` is the origin of the meeting's server. */
export async function hostSite(name = '127.0.0.1') {
  const page = await readFile(PAGE, 'utf8');
  const site = { meeting: '' };
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page.replaceAll('MEETING', site.meeting));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  site.origin = `http://${name}:${server.address().port}`;
  site.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return site;
}
