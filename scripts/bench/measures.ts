/** What is measured, in the order of the tables. */
export interface Measure {
  readonly key: string
  readonly title: string
  readonly unit: string
  readonly digits: number
  readonly better: 'more' | 'less'
  /** One value is printed for so many of what is kept in a report. */
  readonly scale: number
  /** The step that gives it; MEASURES names steps. */
  readonly step: Step
  /** What it is, for readers. */
  readonly about: string
}

export const STEPS = [
  'stream',
  'reverse',
  'eight',
  'small',
  'large',
  'ping',
  'loaded',
  'pairs',
  'idle',
  'rekey',
] as const
export type Step = (typeof STEPS)[number]

const GIGA = 1e9
const KILO = 1e3
const MICRO = 1e-6
const MEGA = 1e6

export const MEASURES = [
  {
    key: 'tcp',
    title: 'TCP 1',
    unit: 'Gb/s',
    digits: 2,
    better: 'more',
    scale: GIGA,
    step: 'stream',
    about: 'one TCP stream',
  },
  {
    key: 'tcpReverse',
    title: 'reverse',
    unit: 'Gb/s',
    digits: 2,
    better: 'more',
    scale: GIGA,
    step: 'reverse',
    about: 'one TCP stream the other way',
  },
  {
    key: 'tcpEight',
    title: 'TCP 8',
    unit: 'Gb/s',
    digits: 2,
    better: 'more',
    scale: GIGA,
    step: 'eight',
    about: 'eight TCP streams together',
  },
  {
    key: 'udpSmall',
    title: 'UDP 64',
    unit: 'kp/s',
    digits: 1,
    better: 'more',
    scale: KILO,
    step: 'small',
    about: 'datagrams of 64 bytes that arrive, in thousands a second, of a sender that sends as fast as it can',
  },
  {
    key: 'udpLarge',
    title: 'UDP 1200',
    unit: 'kp/s',
    digits: 1,
    better: 'more',
    scale: KILO,
    step: 'large',
    about: 'the same with 1,200 bytes',
  },
  {
    key: 'ping',
    title: 'ping',
    unit: 'ms',
    digits: 3,
    better: 'less',
    scale: 1,
    step: 'ping',
    about: 'mean round trip, nothing else going on',
  },
  {
    key: 'ping99',
    title: 'ping p99',
    unit: 'ms',
    digits: 2,
    better: 'less',
    scale: 1,
    step: 'ping',
    about: 'what 99 of 100 round trips are not above',
  },
  {
    key: 'loaded',
    title: 'loaded',
    unit: 'ms',
    digits: 2,
    better: 'less',
    scale: 1,
    step: 'loaded',
    about: 'mean round trip beside one TCP stream',
  },
  {
    key: 'loaded99',
    title: 'loaded p99',
    unit: 'ms',
    digits: 2,
    better: 'less',
    scale: 1,
    step: 'loaded',
    about: 'and what 99 of 100 are not above',
  },
  {
    key: 'requests',
    title: 'requests',
    unit: 'k/s',
    digits: 2,
    better: 'more',
    scale: KILO,
    step: 'pairs',
    about: 'one byte asked and answered over one TCP connection, in thousands a second',
  },
  {
    key: 'connects',
    title: 'connects',
    unit: 'k/s',
    digits: 2,
    better: 'more',
    scale: KILO,
    step: 'pairs',
    about: 'the same over a new connection each time',
  },
  {
    key: 'cpuPerByte',
    title: 'CPU',
    unit: 's/GB',
    digits: 2,
    better: 'less',
    scale: 1 / GIGA,
    step: 'stream',
    about: 'processor time of the daemons at both ends (and between them) for a gigabyte of one TCP stream',
  },
  {
    key: 'machinePerByte',
    title: 'machine',
    unit: 's/GB',
    digits: 2,
    better: 'less',
    scale: 1 / GIGA,
    step: 'stream',
    about: 'the same of the whole machine: with the programs that send and receive, and the kernel by itself',
  },
  {
    key: 'cpuPerDatagram',
    title: 'CPU',
    unit: 'µs/dg',
    digits: 2,
    better: 'less',
    scale: MICRO,
    step: 'small',
    about: 'processor time of the daemons for one datagram of 64 bytes that arrived',
  },
  {
    key: 'rekeyLoss',
    title: 'rekey',
    unit: '% lost',
    digits: 4,
    better: 'less',
    scale: 0.01,
    step: 'rekey',
    about:
      'lost of 200 Mb/s UDP over a time in which sessions are given new keys, but for what the receiving program had no room for',
  },
  {
    key: 'idle',
    title: 'idle',
    unit: '% core',
    digits: 2,
    better: 'less',
    scale: 0.01,
    step: 'idle',
    about: 'processor time of one daemon that has nothing to do, mean of all',
  },
  {
    key: 'rss',
    title: 'RSS',
    unit: 'MB',
    digits: 0,
    better: 'less',
    scale: MEGA,
    step: 'idle',
    about: 'resident memory of one daemon before any traffic, mean of all',
  },
  {
    key: 'pss',
    title: 'PSS',
    unit: 'MB',
    digits: 0,
    better: 'less',
    scale: MEGA,
    step: 'idle',
    about: 'the same with shared pages divided by how many processes share them',
  },
  {
    key: 'rssAfter',
    title: 'RSS after',
    unit: 'MB',
    digits: 0,
    better: 'less',
    scale: MEGA,
    step: 'idle',
    about: 'resident memory after all rounds',
  },
] as const satisfies readonly Measure[]

export type MeasureKey = (typeof MEASURES)[number]['key']

/** Values of one row, by measure: one for each round. */
export type Values = Partial<Record<MeasureKey, number[]>>
