package program

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A semicolon, a tab or a line break may start a cell in a spreadsheet, and a quote after
// it too.
func TestCSVHasNoFormulas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"=1": "'=1", "a;=1": `"a;'=1"`, "a; =1": `"a;' =1"`, "a;\"=1": `"a;'""=1"`, "a;b": `"a;b"`, "a\t=1": "\"a\t'=1\"", "a\n-1": "\"a\n'-1\"",
		"\t=1": "\"'\t'=1\"", "a=1": "a=1", "a;＝1": `"a;'＝1"`, "": "", "a,b": `"a,b"`,
	} {
		var line strings.Builder
		require.NoError(t, WriteCSV(&line, []string{text, "x"}))
		require.Equal(t, want+",x\n", line.String())
	}
}
