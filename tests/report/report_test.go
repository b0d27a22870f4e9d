package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	events := `a line of a shell
{"Action":"run","Package":"sluice/a","Test":"TestPasses"}
{"Action":"output","Package":"sluice/a","Test":"TestPasses","Output":"chatter\n"}
{"Action":"pass","Package":"sluice/a","Test":"TestPasses","Elapsed":2.5}
{"Action":"output","Package":"sluice/a","Test":"TestSkips/one","Output":"    x_test.go:3: missing program: cc\n"}
{"Action":"output","Package":"sluice/a","Test":"TestSkips/one","Output":"    --- SKIP: TestSkips/one (0.00s)\n"}
{"Action":"skip","Package":"sluice/a","Test":"TestSkips/one","Elapsed":0}
{"Action":"output","Package":"sluice/a","Test":"TestSkips/two","Output":"    x_test.go:3: missing program: cc\n"}
{"Action":"skip","Package":"sluice/a","Test":"TestSkips/two","Elapsed":0}
{"Action":"output","Package":"sluice/a","Output":"PASS\n"}
{"Action":"output","Package":"sluice/a","Output":"ok  \tsluice/a\t2.600s\n"}
{"Action":"pass","Package":"sluice/a","Elapsed":2.6}
`
	ended := `{"Action":"output","Package":"sluice/b","Test":"TestFails","Output":"    x_test.go:9: no\n"}
{"Action":"fail","Package":"sluice/b","Test":"TestFails","Elapsed":0.1}
{"ImportPath":"sluice/c","Action":"build-output","Output":"c.go:1:1: what\n"}
{"ImportPath":"sluice/c","Action":"build-fail"}
`
	summary := `
1 tests, of which took longest:
     2.5 s  a TestPasses
Skipped:
  missing program: cc: a TestSkips/one and 1 more
`
	for _, c := range []struct {
		name, events, want string
		failed             bool
	}{
		{"what passes or is skipped is not shown", events, "a line of a shell\nok  \tsluice/a\t2.600s\n" + summary, false},
		{"what fails is shown whole", ended, "    x_test.go:9: no\nc.go:1:1: what\n\n1 tests, of which took longest:\n" +
			"     0.1 s  b TestFails\nNothing was skipped.\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			failed, err := report(strings.NewReader(c.events), &out)
			require.NoError(t, err)
			require.Equal(t, c.failed, failed)
			require.Equal(t, c.want, out.String())
		})
	}
}
