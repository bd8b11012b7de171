import { nativeBinding } from './native-binding.ts'

/**
 * Gives back to the kernel what malloc holds free, and lets go of the code of Node.js and its libraries: most of it was needed
 * for the start alone. What is needed comes back from the kernel's cache of files.
 */
export function releaseMemory(): void {
  nativeBinding().releaseMemory()
}
