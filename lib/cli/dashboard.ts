import { randomBytes } from 'node:crypto'
import { DashboardServer, PageFiles, type ApiClient } from '../api/mod.ts'

const SECRET_BYTES = 32

/**
 * Serves the page to one browser of this host, who comes by the server's `url`.
 * @throws WeaveError PAGE_MISSING, PORT_IN_USE, NOT_ROOT, and what a call throws where no daemon answers now
 */
export async function openDashboard(
  port: number,
  client: Pick<ApiClient, 'call' | 'pass'>,
  files: Pick<PageFiles, 'answer' | 'requirePage'> = new PageFiles(),
): Promise<DashboardServer> {
  await files.requirePage()
  // That there is no daemon is said at once; one that ends later may come back.
  await client.call('status')
  return DashboardServer.listen(port, {
    ...{ client, files, token: secretText(), badge: secretText() },
    onFault: text => console.error(`weave-ts: ${text}`),
  })
}

function secretText(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}
