import { defineFamily, str } from '../dsl.ts'

/** Records of 128 bytes that `tarsier bench ring` makes on request: no hook, nothing of the machine in them. */
export const bench = defineFamily({
  name: 'bench',
  object: 'bench/flood',
  doc: 'A record made to be counted',
  ring: 'bulk',
  sets: [],
  events: [
    {
      name: 'bench_flood',
      id: 900,
      doc: 'One of many equal records put into the ring by `tarsier bench ring`.',
      programs: [{ name: 'fill_ring', section: 'syscall' }],
      internal: true,
    },
  ],
  fields: {
    path: str('one of the made-up paths /bench/file/0000 to /bench/file/9999'),
  },
  limits: 'Exists only while a measurement runs.',
})
