/** Filter expressions: what they say, what is wrong with them, which events they attach and what the kernel may pass over. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { planGuards } from '../guards/plan.ts'
import { MISSING_DEFAULTS, TRACE_EVENTS } from './catalogue.ts'
import { compileFilter } from './compile.ts'
import { FilterError, parseExpression } from './expression.ts'

const UNKNOWN = "invalid filter option specified, use '--trace help' for more info"
const UNFINISHED = 'invalid operator and/or values given to filter'

suite('what is wrong with an expression is said, and where', () => {
  const wrong = (expression: string, message: string, marked: string, hint: RegExp = /./): void => {
    test(expression, () => {
      assert.throws(
        () => compileFilter([parseExpression(expression)]),
        (error: unknown) => {
          assert.ok(error instanceof FilterError)
          assert.equal(error.message, message)
          assert.equal(expression.slice(error.from, error.to), marked)
          assert.match(error.hint ?? '', hint)
          return true
        },
      )
    })
  }
  wrong('pid=abc', 'invalid filter value: abc', 'abc', /whole number/)
  wrong('pid==0', 'invalid filter value: =0', '=0', /operators are/)
  wrong('pid<=5', 'invalid filter value: =5', '=5')
  wrong('pid=', `${UNFINISHED}: =`, '=', /pid=VALUE/)
  wrong('pid!=', `${UNFINISHED}: !=`, '!=')
  wrong('pid', `${UNFINISHED}: `, 'pid', /pid=VALUE/)
  wrong('pid=1,,2', 'invalid filter value: ', '')
  wrong('pid<1,2', 'invalid filter value: < takes one', ',2')
  wrong('pid=-1', 'invalid filter value: -1', '-1')
  wrong('uid=4294967296', 'filter value is too big: 4294967296', '4294967296')
  wrong('uid=99999999999999999999', 'invalid filter value: 99999999999999999999', '99999999999999999999')
  wrong('mntns=18446744073709551616', 'invalid filter value: 18446744073709551616', '18446744073709551616')
  wrong(
    'openat.retval=9223372036854775808',
    'invalid filter value: 9223372036854775808',
    '9223372036854775808',
  )
  wrong('pid!5', `${UNFINISHED}: !5`, '!', /not equal is !=/)
  wrong('pid!55', 'invalid filter operator: !5', '!')
  wrong('comm>a', 'invalid filter operator: >', '>')
  wrong('comm=', `${UNFINISHED}: =`, '=')
  wrong('comm=a,', 'invalid filter value: it is empty', '')
  wrong('set!=fs', 'invalid filter operator: !=', '!=')
  wrong('set=toString', 'invalid set to trace: toString', 'toString')
  wrong('set=sf', 'invalid set to trace: sf', 'sf', /did you mean/)
  wrong('event=opena', 'invalid event to trace: opena', 'opena', /did you mean 'open/)
  wrong('event=zzz*', 'invalid event to trace: zzz*', 'zzz*')
  wrong('event!=*', 'no event is left to trace', 'event!=*')
  wrong('event!=zzz', 'invalid event to exclude: zzz', 'zzz')
  wrong('evnt=open', UNKNOWN, 'evnt', /did you mean 'event'/)
  wrong('', UNKNOWN, '')
  wrong('=5', UNKNOWN, '=5')
  wrong('follow=1', UNKNOWN, '=')
  wrong('!container=new', UNKNOWN, '=')
  wrong('container=XYZ', 'invalid container id: XYZ', 'XYZ', /hexadecimal/)
  wrong('container>1', 'invalid filter operator: >', '>')
  wrong('tree=1,x', 'invalid PID given to filter: 1,x', 'x')
  wrong('tree=4294967296', 'invalid PID given to filter: 4294967296', '4294967296')
  wrong('tree!=', 'no value passed with operator in process tree filter', '!=')
  wrong('tree>5', `${UNFINISHED}: >5`, '>')
  wrong('opena.flags=1', 'invalid argument filter event name: opena', 'opena', /did you mean 'open/)
  wrong('opena.retval=1', 'invalid retval filter event name: opena', 'opena')
  wrong('openat.path=/x', 'invalid argument filter argument name: path', 'path', /pathname/)
  wrong('openat.how.flags=1', 'invalid argument filter format openat.how.flags=1', 'how.flags')
  wrong('openat.retval.x=1', 'invalid retval filter format openat.retval.x=1', 'retval.x')
  wrong('openat.pathname', `${UNFINISHED}: `, 'openat.pathname')
  wrong('openat.pathname=', `${UNFINISHED}: =`, '=')
  wrong('openat.=1', 'invalid argument filter argument name: ', '')
  wrong('openat.pathname<1', 'invalid filter operator: <', '<')
  wrong('openat.retval=x', 'invalid filter value: x', 'x')
  test('whatever is written, there is a clause or an error within the text', () => {
    const words = fc.constantFrom(
      'pid',
      'event',
      'set',
      'c',
      '!container',
      'openat.',
      'retval',
      '=',
      '!',
      '<',
      ',',
      'new',
      '1',
      '*',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 6 }), (parts) => {
        const expression = parts.join('')
        try {
          compileFilter([parseExpression(expression)])
        } catch (error) {
          assert.ok(error instanceof FilterError, String(error))
          assert.ok(0 <= error.from && error.from <= error.to && error.to <= expression.length)
          assert.ok(error.hint)
        }
      }),
    )
  })
})

suite('which events are traced', () => {
  const names = (...expressions: readonly string[]): readonly string[] =>
    compileFilter(expressions.map(parseExpression)).events.map(({ name }) => name)
  test('the default set', () => {
    assert.deepEqual(
      new Set(names()),
      new Set(
        [...TRACE_EVENTS.values()].filter(({ sets }) => sets.includes('default')).map(({ name }) => name),
      ),
    )
    assert.equal(names().length + MISSING_DEFAULTS.length, 74)
  })
  test('a set and an event add up', () =>
    assert.deepEqual(names('set=fs_mux_io', 'event=getpid').includes('getpid'), true))
  test('calls with entry points for 32-bit programs are traced of those alone, unless asked for otherwise', () => {
    const only = (...expressions: readonly string[]): ReadonlySet<string> =>
      compileFilter(expressions.map(parseExpression)).compatOnly
    assert.ok(only('set=32bit_unique').has('mmap'))
    assert.ok(!only('set=32bit_unique').has('sigaction'))
    assert.ok(!only('set=32bit_unique', 'event=mmap').has('mmap'))
    assert.ok(!only('set=32bit_unique,proc_mem').has('mmap'))
    assert.ok(!names('set=32bit_unique', 'event!=mmap').includes('mmap'))
    assert.equal(only('set=proc_mem').size, 0)
  })
  test('an exclusion takes out of sets', () => assert.ok(!names('set=fs', 'event!=close').includes('close')))
  test('but not what is named', () => assert.deepEqual(names('event=close', 'event!=close'), ['close']))
  test('a final star', () =>
    assert.deepEqual([...names('e=epoll_wait*')].sort(), ['epoll_wait', 'epoll_wait_old']))
  test('another name of the same call', () => assert.deepEqual(names('event=mmap2'), ['mmap']))
  test('nothing of the set is written twice', () => assert.equal(new Set(names()).size, names().length))
  test('an argument names its event', () => assert.ok(names('getcwd.size=1').includes('getcwd')))
  test('all syscalls', () => assert.ok(names('s=syscalls').length > 400))
})

test('numbers as large as they may be', () => {
  for (const text of [
    'mntns<18446744073709551615',
    'openat.retval>-9223372036854775808',
    'openat.retval!=9223372036854775807',
  ]) {
    const { rules } = compileFilter([parseExpression(text)])
    assert.doesNotThrow(() => planGuards({ rules, streams: [] }), text)
  }
})

suite('what the kernel may pass over follows from the filter', () => {
  const guarded = (...expressions: readonly string[]): boolean => {
    const { rules } = compileFilter(expressions.map(parseExpression))
    return planGuards({ rules, streams: [] }).wideOpen.every(
      ({ event: name, shapes, of }) => name !== 'openat' || shapes < of,
    )
  }
  test('without one everything passes', () => assert.equal(guarded('event=openat'), false))
  test('an absolute path', () => assert.equal(guarded('event=openat', 'openat.pathname=/tmp/*'), true))
  test('a result', () => assert.equal(guarded('event=openat', 'openat.retval<0'), true))
  test('a relative path is the text as given', () =>
    assert.equal(guarded('event=openat', 'openat.pathname=x'), false))
})
