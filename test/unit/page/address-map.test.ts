import t from 'tap'
import { addressPicture, MAP_WIDTH } from '../../../lib/page/address-map.ts'
import { madeUpIpam, madeUpRef } from '../../support/page-answers.ts'

t.test('the pieces fill the range in order, own ones, those of others, and of hosts that are not reached', async t => {
  const { classes, first, last, owners } = addressPicture(madeUpIpam({ hosts: 4, gone: [4] }))
  t.equal(first, '10.32.0.0')
  t.equal(last, '10.47.255.255')
  t.strictSame(classes, [
    { name: 'own', pieces: [{ from: 0, to: 250 }] },
    { name: 'other-1', pieces: [{ from: 250, to: 500 }] },
    { name: 'other-2', pieces: [{ from: 500, to: 750 }] },
    { name: 'unreached', pieces: [{ from: 750, to: MAP_WIDTH }] },
  ])
  t.match(owners, [
    { name: 'host1', isSelf: true, addresses: 262_144, share: '25 %', inUse: 2, where: '10.32.0.0 – 10.35.255.255' },
    { name: 'host2', className: 'other-1' },
    { name: 'host3', className: 'other-2' },
    { name: 'host4', className: 'unreached', isReachable: false },
  ])
})

t.test('runs of one owner are one row, and neighbours of one class one piece', async t => {
  const { runs, ...map } = madeUpIpam({ hosts: 4 })
  const owned = runs.map((run, i) => ({ ...run, owner: i < 3 ? madeUpRef(2) : null, isSelf: false }))
  const { classes, owners } = addressPicture({ ...map, runs: owned })
  t.strictSame(classes, [
    { name: 'other-1', pieces: [{ from: 0, to: 750 }] },
    { name: 'nobody', pieces: [{ from: 750, to: 1000 }] },
  ])
  t.match(owners, [{ name: 'host2', share: '75 %', where: /, and 2 more$/ }, { name: 'nobody that is known' }])
  t.strictSame(addressPicture({ ...map, runs: [] }).owners, [])
})
