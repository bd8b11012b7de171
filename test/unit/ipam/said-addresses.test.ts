import fc from 'fast-check'
import t from 'tap'
import { SaidAddresses } from '../../../lib/ipam/said-addresses.ts'
import { ip, peer } from './support.ts'

const AUTHOR = peer(1)
const SELF = peer(2)
const PART = ip('10.32.1.0')

t.test('keeps what was said, whatever it is', async t => {
  const one = fc.record({
    offset: fc.nat(255),
    peer: fc.constantFrom(AUTHOR, SELF, peer(3)),
    loan: fc.nat(0xffff_ffff),
    isEphemeral: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.uniqueArray(one, { selector: ({ offset }) => offset, maxLength: 256 }), drawn => {
      const assigned = drawn.map(({ offset, ...rest }) => ({ address: PART + offset, ...rest }))
      const said = new SaidAddresses(AUTHOR, SELF, PART, assigned)
      const byAddress = (a: { address: number }, b: { address: number }) => a.address - b.address
      const own = assigned.filter(({ peer: who }) => who === AUTHOR)
      const toSelf = assigned.filter(({ peer: who }) => who === SELF)
      const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
      for (let address = PART; address < PART + 256; address++) {
        const isUsed = own.some(held => held.address === address)
        if (said.isUsed(address) !== isUsed || said.isAnyUsed(address, address) !== isUsed) return false
      }
      return (
        said.usedCount === own.length &&
        said.isEphemeral === own.some(({ isEphemeral }) => isEphemeral) &&
        said.isAnyUsed(PART, PART + 255) === own.length > 0 &&
        isSame(
          [...said.loansToSelf()].sort(byAddress),
          toSelf.map(({ address, loan }) => ({ address, loan })).sort(byAddress),
        ) &&
        isSame(
          said.read().sort(byAddress),
          assigned
            .map(({ address, peer: who, loan, isEphemeral }) => ({ address, peer: who, loan, isEphemeral }))
            .sort(byAddress),
        )
      )
    }),
    { numRuns: 300 },
  )
  t.pass('the law holds')
})
