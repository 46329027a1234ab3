export * from './errno.ts'
export * from './file.ts'
export * from './net.ts'
export * from './process.ts'
