/** The parts that are used of the npm package `noise-handshake`, which has no types of its own. */
declare module 'noise-handshake' {
  export interface KeyPair {
    readonly publicKey: Uint8Array
    readonly secretKey: Uint8Array
  }

  export interface Curve {
    readonly DHLEN: number
    readonly PKLEN: number
    readonly SKLEN: number
    readonly SEEDLEN: number
    readonly ALG: string
    generateKeyPair(): KeyPair
    dh(publicKey: Uint8Array, keyPair: { readonly secretKey: Uint8Array }): Uint8Array
  }

  export default class NoiseState {
    constructor(
      pattern: string,
      initiator: boolean,
      staticKeypair: KeyPair,
      options: { readonly psk?: Uint8Array; readonly curve: Curve },
    )
    readonly complete: boolean
    readonly tx: Uint8Array | null
    readonly rx: Uint8Array | null
    readonly hash: Uint8Array | null
    readonly rs: Uint8Array | null
    initialise(prologue: Uint8Array, remoteStatic?: Uint8Array): void
    send(payload: Uint8Array): Uint8Array
    recv(message: Uint8Array): Uint8Array
  }
}
