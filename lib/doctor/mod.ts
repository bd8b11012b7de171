/**
 * What `weave-ts doctor` says: pure checks, each from facts to findings, and what gathers the facts of the host. A check
 * is a function here, a name in `finding.ts`, and a line in `diagnosis.ts`.
 */
export { linkAdvice, SECRET_REMEDY } from './contact-checks.ts'
export { DOCKER_REMEDY } from './container-checks.ts'
export { diagnose, diagnoseWithoutDaemon, type DaemonSeen } from './diagnosis.ts'
export { roomAdvice, wideAdvice } from './host-checks.ts'
export { examineHost, type HostFacts, type HostQuestion } from './host-facts.ts'
export { smallPathAdvice, udpAdvice, type SmallPathView } from './neighbour-checks.ts'
export type { ClockView, DialBackView, NeighbourWordsView } from './neighbour-words.ts'
