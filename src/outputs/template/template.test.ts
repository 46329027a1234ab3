/** Templates: what Go's text/template makes of them, and what hostile data may not do. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { compileTemplate, openMap, TemplateError, type Value } from './index.ts'

const DATA: Value = {
  Name: 'cat',
  Count: 3,
  Big: 12345678901234567890n,
  Yes: true,
  None: null,
  Empty: '',
  List: ['a', 'b', 'c'],
  Args: [
    { Name: 'path', Value: '/etc/passwd' },
    { Name: 'flags', Value: 65 },
  ],
  Map: openMap({ b: 'two', a: 'one' }),
  When: new Date('2026-03-04T05:06:07.089Z'),
  Bad: 'x\ny\u001b[2J\u202e\udcff"',
}

suite('templates', () => {
  const gives = (template: string, expected: string): void => {
    test(template.slice(0, 90), () => assert.equal(compileTemplate(template)(DATA), expected))
  }
  gives('plain', 'plain')
  gives('{{.Name}} {{ .Count }} {{.Yes}}', 'cat 3 true')
  gives('{{.}}'.replace('.', '.Map'), 'map[a:one b:two]')
  gives('{{.Big}}', '12345678901234567890')
  gives('{{.List}}', '[a b c]')
  gives('{{.None}}', '<no value>')
  gives('{{.Map.a}} {{.Map.zzz}}', 'one <no value>')
  gives('{{- 1 -}} x {{- 2}}', '1x2')
  gives('a {{- /* no */ -}} b', 'ab')
  gives('{{/* no */}}b', 'b')
  gives('{{"q\\"\\n" | printf "%q"}}', '"q\\"\\n"')
  gives('{{`raw\\n`}}', 'raw\\n')
  gives('{{if .Yes}}y{{else}}n{{end}}', 'y')
  gives('{{if .Empty}}y{{else if eq .Count 3}}three{{else}}n{{end}}', 'three')
  gives('{{if and .Yes (gt .Count 2)}}both{{end}}', 'both')
  gives('{{or .Empty .Name}} {{not .Yes}}', 'cat false')
  gives('{{with .Map}}{{.a}}{{end}}{{with .Empty}}x{{else}}none{{end}}', 'onenone')
  gives('{{range .List}}<{{.}}>{{end}}', '<a><b><c>')
  gives('{{range $i, $e := .List}}{{$i}}{{$e}}{{end}}', '0a1b2c')
  gives('{{range $k, $v := .Map}}{{$k}}={{$v}};{{end}}', 'a=one;b=two;')
  gives('{{range $v := .List}}{{if eq $v "b"}}{{continue}}{{end}}{{$v}}{{end}}', 'ac')
  gives('{{range .List}}{{.}}{{break}}{{end}}', 'a')
  gives('{{range .Empty | default (list)}}x{{else}}nothing{{end}}', 'nothing')
  gives('{{range .Args}}{{.Name}}: {{.Value}}, {{end}}', 'path: /etc/passwd, flags: 65, ')
  gives('{{(index .Args 1).Value}}', '65')
  gives('{{$x := 1}}{{if .Yes}}{{$x = 2}}{{end}}{{$x}}', '2')
  gives('{{range .List}}{{$.Name}}{{end}}', 'catcatcat')
  gives('{{define "row"}}[{{.}}]{{end}}{{range .List}}{{template "row" .}}{{end}}', '[a][b][c]')
  gives('{{block "b" .Name}}<{{.}}>{{end}}', '<cat>')
  gives(
    '{{printf "%-5s|%5s|%05d|%x|%v|%.2f|%%" "ab" "cd" 42 255 .List 1.5}}',
    'ab   |   cd|00042|ff|[a b c]|1.50|%',
  )
  gives('{{printf "%d" "x"}} {{printf "%s"}} {{printf "a" 1}}', '%!d(x) %!s(MISSING) a%!(EXTRA 1)')
  gives('{{print 1 2 "a" "b" 3 4}}', '1 2ab3 4')
  gives('{{len .List}} {{len .Name}} {{len .Map}}', '3 3 2')
  gives('{{.Name | upper | printf "%s!"}}', 'CAT!')
  gives('{{.Name | replace "a" "o" | title}}', 'Cot')
  gives('{{join "," .List}} {{first .List}} {{last .List}}', 'a,b,c a c')
  gives('{{.Empty | default "none" | quote}}', '"none"')
  gives('{{dict "k" 1 | toJson}} {{hasKey .Map "a"}}', '{"k":1} true')
  gives('{{.Map | toPrettyJson}}', '{\n  "a": "one",\n  "b": "two"\n}')
  gives('{{"x" | b64enc}} {{"eA==" | b64dec}}', 'eA== x')
  gives('{{dateInZone "2006-01-02T15:04:05.000Z07:00" .When "UTC"}}', '2026-03-04T05:06:07.089Z')
  gives('{{dateInZone "Mon Jan _2 03:04 PM -0700" .When "Asia/Kolkata"}}', 'Wed Mar  4 10:36 AM +0530')
  gives('{{ternary "a" "b" .Yes}} {{trunc 2 .Name}} {{add 1 2 .Count}} {{sub 5 2}}', 'a ca 6 3')
  gives('{{html "<a>"}} {{urlquery "a b&"}}', '&lt;a&gt; a+b%26')
  gives('{{index .Map "b"}} {{slice .Name 1}}', 'two at')
  gives('{{.Bad}}', 'x\\ny\\x1b[2J\\u202e\\xff"')
  gives('{{.Bad | toJson}}', '"x\\ny\\u001b[2J\\u202e\\\\xff\\""')
  gives('{{.Bad | replace "\\n" " "}}', 'x y\\x1b[2J\\u202e\\xff"')
  gives('{{contains "\\n" .Bad}} {{eq (printf "%s" .Bad) .Bad}}', 'true true')
  gives('{{"G1s=" | b64dec}}{{printf "%c" 27}}', '\\x1b[\\x1b')
  gives('{{list "a" "b" | join "\\n"}}', 'a\nb')
})

suite('mistakes are named with their place', () => {
  const wrong = (template: string, message: RegExp): void => {
    test(template, () =>
      assert.throws(
        () => compileTemplate(template)(DATA),
        (error) => error instanceof TemplateError && message.test(error.message),
      ),
    )
  }
  wrong('{{', /1:1: this action is not closed/)
  wrong('a\n  {{.Name', /2:3: this action is not closed/)
  wrong('{{if .Yes}}', /\{\{if\}\} is not closed/)
  wrong('{{end}}', /unexpected \{\{end\}\}/)
  wrong('{{nope .}}', /1:3: function "nope" is not defined/)
  wrong('{{.Name | .Count}}', /only a function/)
  wrong('{{.Name .Count}}', /only functions take arguments/)
  wrong('{{$x}}', /variable \$x is not defined/)
  wrong('{{range .List}}{{$y := 1}}{{end}}{{$y}}', /variable \$y/)
  wrong('{{break}}', /outside of \{\{range\}\}/)
  wrong('{{template "t"}}', /template "t" is not defined/)
  wrong('{{define "t"}}{{else}}{{end}}', /else/)
  wrong('{{define "t"}}{{template "t"}}{{end}}{{template "t"}}', /too often/)
  wrong('{{.Nmae}}', /1:3: there is no field Nmae/)
  wrong('{{.Name.X}}', /string has no field X/)
  wrong('{{.constructor}}', /no field constructor/)
  wrong('{{index .List 7}}', /out of range/)
  wrong('{{upper}}', /upper: it takes 1 argument/)
  wrong('{{lt 1 "a"}}', /cannot be compared/)
  wrong('{{div 1 0}}', /division by 0/)
  wrong('{{repeat 9999999 "x"}}', /too long/)
  wrong('{{range 65000}}{{range 65000}}{{.}}{{end}}{{end}}', /too (long|many)/)
  wrong('{{.Name ~ 1}}', /unexpected "~"/)
  wrong('{{"\\q"}}', /unknown escape/)
  test('whatever is written compiles or is a mistake with a place', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '.',
      '|',
      'if',
      'end',
      'range',
      '$',
      'x',
      ':=',
      '"',
      '(',
      ')',
      ' ',
      '-',
      'else',
      '1',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 12 }), (parts) => {
        try {
          compileTemplate(parts.join(''))({ x: 1 })
        } catch (error) {
          assert.ok(error instanceof TemplateError && error.line > 0 && error.column > 0, String(error))
        }
      }),
      { numRuns: 500 },
    )
  })
  test('data never ends a line or steers a terminal', () => {
    const show = compileTemplate('{{.A}}|{{printf "%v %s" .B .A}}|{{.A | upper | trim | toJson}}|{{.}}')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (A, B) =>
        assert.doesNotMatch(show({ A, B }), /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]/),
      ),
    )
  })
})
