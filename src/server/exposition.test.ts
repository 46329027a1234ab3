import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expose, type Metric } from './exposition.ts'

const page = (text: string, metric: Partial<Metric>, expected: string): void =>
  void test(text, () =>
    assert.equal(
      expose([{ name: 'a_total', help: 'A.', type: 'counter', samples: [], ...metric }]),
      expected,
    ),
  )
const HEAD = '# HELP a_total A.\n# TYPE a_total counter\n'

page('without samples nothing is said', {}, '')
page('a number', { samples: [{ value: 3 }] }, `${HEAD}a_total 3\n`)
page('labels', { samples: [{ labels: { x: 'y', z: '' }, value: 0.5 }] }, `${HEAD}a_total{x="y",z=""} 0.5\n`)
page(
  'hostile values stay within their quotes',
  { samples: [{ labels: { x: 'a"b\\c\nd' }, value: 1 }] },
  `${HEAD}a_total{x="a\\"b\\\\c\\nd"} 1\n`,
)
page(
  'half a character is replaced',
  { samples: [{ labels: { x: '\ud800' }, value: 1 }] },
  `${HEAD}a_total{x="\ufffd"} 1\n`,
)
page(
  'a help of two lines',
  { help: 'A\\\nB', samples: [{ value: 1 }] },
  '# HELP a_total A\\\\\\nB\n# TYPE a_total counter\na_total 1\n',
)
page(
  'what is no number',
  { samples: [{ value: Number.NaN }, { value: 1 / 0 }, { value: -1 / 0 }] },
  `${HEAD}a_total NaN\na_total +Inf\na_total -Inf\n`,
)
