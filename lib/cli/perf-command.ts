import { Option, type Command } from 'commander'
import { WeaveError } from '../base/mod.ts'
import { NewFile } from './new-file.ts'
import { measurePeer, perfOptions } from './perf.ts'
import { perfSvg } from './perf-svg.ts'
import { perfNotice, renderPerf, renderPerfHistory } from './render-perf.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'

/** Not all that was asked for could be measured. */
const EXIT_GAPS = 1

interface Given {
  readonly rate: string
  readonly seconds: string
  readonly direction: string
  readonly history?: true
  readonly underlay: boolean
  readonly svg?: string
}

export function addPerfCommand(program: Command): void {
  withSettings(
    program
      .command('perf')
      .description(
        'measure throughput, loss and latency to and from another peer over the way that frames take; it may refuse',
      )
      .argument('[peer]', 'nickname, id or how it begins, or an address of a container behind it'),
  )
    .option('--rate <rate>', 'how much is sent, in bit/s, as in 500k, 100M or 1G; never more', '100M')
    .option('--seconds <n>', 'how long each measurement takes, 0.1 to 60', '3')
    .addOption(new Option('--direction <way>', 'to the peer, from it').choices(['to', 'from', 'both']).default('both'))
    .option('--no-underlay', 'leave out what goes past the session, in the clear, for comparison')
    .option('--svg <file>', 'draw what arrived as time went on into a new file')
    .option('--history', 'show what was measured before, of all peers or this one')
    .action(async (peer: string | undefined, given: Given, command: Command) => {
      const settings = settingsOf(command)
      const client = clientOf(settings)
      if (given.history === true) {
        if (given.svg !== undefined)
          throw new WeaveError(
            'USAGE',
            '--svg draws what is measured now, and --history measures nothing',
            'leave one of the two out',
          )
        const { measurements } = await client.call('perf-history', peer === undefined ? {} : { peer })
        return print(settings, { measurements }, renderPerfHistory(measurements))
      }
      if (peer === undefined)
        throw new WeaveError('USAGE', 'no peer was named', 'give one: weave-ts perf PEER, or --history')
      const options = perfOptions(given)
      const count = options.directions.length * options.ways.length
      const drawing = given.svg === undefined ? undefined : NewFile.make(given.svg, '--svg')
      if (process.stderr.isTTY) console.error(`weave-ts: ${perfNotice(peer, count, options.seconds)}`)
      try {
        const { measured, gaps } = await measurePeer(client, peer, options)
        print(settings, { measurements: measured, gaps }, renderPerf(measured, gaps))
        if (gaps.length > 0) process.exitCode = EXIT_GAPS
        drawing?.fill(perfSvg(measured))
      } catch (error) {
        drawing?.remove()
        throw error
      }
    })
}
