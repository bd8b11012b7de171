/**
 * What a user of Weave Net may type that is not here, and what to do instead. Named as Weave 2.8 and its elder versions
 * had it; docs/from-weave.md sets both systems beside each other.
 */
const DOCKER = 'the label weave-ts.attach, or `weave-ts attach CONTAINER` (docs/docker.md)'
const NETWORK = 'every daemon serves Docker: docker network create -d weave-ts --ipam-driver weave-ts (docs/docker.md)'
const NO_DATAPATH = 'there is one data path, in user space, and nothing to choose'
const NO_CNI = 'there is no CNI plugin yet: `weave-ts attach netns:NAME`'
const NO_HTTP = 'the API is on a Unix socket in the state directory (docs/api.md)'
const NO_CLOUD = 'peers are found by gossip: name one to `weave-ts launch` or `weave-ts connect`'
const SERVICE = '`weave-ts service install` has systemd run the daemon'
const ONE_DAEMON = '`weave-ts launch` and `weave-ts stop`: one daemon does it all'

const VERBS: Readonly<Record<string, string>> = {
  setup: 'nothing has to be fetched before `weave-ts launch`',
  'setup-cni': NO_CNI,
  env: `there is no proxy before Docker: ${DOCKER}`,
  config: `there is no proxy before Docker: ${DOCKER}`,
  'proxy-env': `there is no proxy before Docker: ${DOCKER}`,
  run: `docker run, with ${DOCKER}`,
  start: 'docker start: what was attached is attached again by itself',
  'launch-router': ONE_DAEMON,
  'launch-proxy': ONE_DAEMON,
  'launch-plugin': NETWORK,
  'stop-router': ONE_DAEMON,
  'stop-proxy': ONE_DAEMON,
  'stop-plugin': ONE_DAEMON,
}

const OPTIONS: Readonly<Record<string, string>> = {
  '--name': 'the peer id is that of its key and cannot be chosen; --nickname is a label',
  '--weave-bridge': '--bridge',
  '--advertise-address': '--advertise',
  '--connlimit': '--conn-limit',
  '--db-prefix': '--state-dir',
  '--trusted-subnets': 'all traffic is encrypted, between all peers',
  '--min-protocol-version': 'a link takes the highest version of both sides, and no attacker can lower it',
  '--datapath': NO_DATAPATH,
  '--no-fastdp': NO_DATAPATH,
  '--no-bridged-fastdp': NO_DATAPATH,
  '--bufsz': NO_DATAPATH,
  '--dns-fallback-timeout': 'a server of resolv.conf that does not answer is left for the next one',
  '--plugin': NETWORK,
  '--plugin-v2': NETWORK,
  '--proxy': `there is no proxy before Docker: ${DOCKER}`,
  '--docker-api': 'DOCKER_HOST in the environment of `weave-ts launch`',
  '--no-restart': SERVICE,
  '--http-addr': NO_HTTP,
  '--status-addr': NO_HTTP,
  '--metrics-addr': "`--metrics IP:PORT`; Weave's names are there too (docs/metrics.md)",
  '--peer-discovery-url': NO_CLOUD,
  '--token': NO_CLOUD,
  '--awsvpc': 'frames travel in the tunnel in every network',
  '--rewrite-hosts': 'containers find each other by DNS (docs/dns.md)',
  '--add-host': '`weave-ts dns-add ADDRESS NAME` (docs/dns.md)',
  '--no-rewrite-hosts': 'no file of a container is changed',
  '--pkt-debug': 'tcpdump -i weave shows every frame',
}

/** For the commander's complaint about a verb or an option of Weave Net: what to use; undefined for any other. */
export function weaveAnswer(complaint: string): string | undefined {
  const [, kind, word = ''] = /unknown (command|option) '([^'=]+)/.exec(complaint) ?? []
  const answers = kind === 'command' ? VERBS : OPTIONS
  return Object.hasOwn(answers, word) ? `${word} was Weave Net's; here: ${answers[word]}` : undefined
}

/** The verbs and the options that are answered. */
export const weaveWords = { verbs: Object.keys(VERBS), options: Object.keys(OPTIONS) }
