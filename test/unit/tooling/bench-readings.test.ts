import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { readBusySeconds, readRoomErrors, readIperf, readMemory, readPing } from '../../../scripts/bench/readings.ts'
import { readCpuSeconds } from '../../support/process-facts.ts'
import { median, percentile, spread } from '../../../scripts/bench/statistics.ts'

t.test('takes of TCP what the receiver counted', t => {
  const end = {
    sum_sent: { bytes: 9000, bits_per_second: 72_000, seconds: 1 },
    sum_received: { bytes: 8000, bits_per_second: 64_000, seconds: 1 },
  }
  t.match(readIperf(JSON.stringify({ end })), { bytes: 8000, bitsPerSecond: 64_000, arrived: 0 })
  t.end()
})

t.test('takes of UDP what arrived', t => {
  const sum = { bytes: 640, bits_per_second: 5120, seconds: 1, packets: 10, lost_packets: 3 }
  t.match(readIperf(JSON.stringify({ end: { sum } })), { sent: 10, arrived: 7, seconds: 1 })
  t.end()
})

t.test('makes no figure of a run of iperf3 that failed', t => {
  t.throws(() => readIperf('{"error":"unable to connect to server"}'), /unable to connect/)
  t.throws(() => readIperf('{"end":{}}'), /no result/)
  t.throws(() => readIperf('Segmentation fault'), /no JSON/)
  t.end()
})

t.test('reads every round trip that ping prints', t => {
  const text = `PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.
64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.321 ms
64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=12.5 ms

--- 10.0.0.2 ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time 10ms
rtt min/avg/max/mdev = 0.321/6.4/12.5/6.0 ms`
  t.strictSame(readPing(text), [0.321, 12.5])
  t.throws(() => readPing('2 packets transmitted, 0 received, 100% packet loss'), /no answer/)
  t.end()
})

t.test('counts processor time of user and system, whatever a program is called', t => {
  t.equal(readCpuSeconds('42 (a (b) c) S 1 42 42 0 -1 4194560 1 0 0 0 250 150 7 7 20 0 1 0 1'), 4)
  t.equal(readBusySeconds('cpu  100 10 50 9999 77 1 2 3 0 0\ncpu0 1 2 3'), 1.66)
  t.throws(() => readCpuSeconds('42 (a)'), /no processor time/)
  t.throws(() => readBusySeconds('nothing'), /no processor time/)
  t.end()
})

t.test('reads resident and proportional memory, also of this kernel', t => {
  t.strictSame(readMemory('00400000-7fff [rollup]\nRss:  2048 kB\nPss:   1024 kB\nPss_Dirty: 5 kB'), {
    rss: 2 ** 21,
    pss: 2 ** 20,
  })
  t.throws(() => readMemory('Rss: 1 kB'), /no Pss/)
  const own = '/proc/self/smaps_rollup'
  if (existsSync(own)) t.ok(readMemory(readFileSync(own, 'utf8')).rss > 2 ** 20)
  t.end()
})

t.test('a median is not moved by one run that went wrong, and a spread tells of it', t => {
  t.equal(median([5, 1, 900]), 5)
  t.equal(median([1, 2, 4, 900]), 3)
  t.equal(median([]), undefined)
  t.equal(spread([4, 5, 6]), 0.4)
  t.equal(spread([4]), undefined)
  t.equal(spread([0, 0]), undefined)
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  t.equal(percentile(hundred, 0.99), 99)
  t.equal(percentile([7], 0.99), 7)
  t.equal(percentile([], 0.99), undefined)
  t.end()
})

t.test('datagrams that a program had no room for are read by their name', t => {
  const text =
    'Ip: Forwarding\nIp: 1\nUdp: InDatagrams NoPorts RcvbufErrors\nUdp: 10 2 7\nUdpLite: InDatagrams\nUdpLite: 3\n'
  t.equal(readRoomErrors(text), 7)
  t.throws(() => readRoomErrors(text.replace('RcvbufErrors', 'SndbufErrors')), /no RcvbufErrors/)
  t.throws(() => readRoomErrors(''), /no RcvbufErrors/)
  t.end()
})
