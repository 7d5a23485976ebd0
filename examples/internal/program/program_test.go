package program

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestTableFitsTerminalWidth(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 200)
	for _, rows := range [][][]string{
		{{"A"}, {long}},
		{{"A", "B"}, {long, "short"}, {"x", long}},
		{{"A", "B", "C", "D", "E", "F"}, {long, long, long, "", "e\tf", long}},
	} {
		var table strings.Builder
		require.NoError(t, WriteTable(&table, rows, false))
		for line := range strings.Lines(table.String()) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), Width)
		}
		require.Contains(t, table.String(), "ü…")
		table.Reset()
		require.NoError(t, WriteTable(&table, rows, true))
		require.Contains(t, table.String(), long)
		require.NotContains(t, table.String(), "…")
	}
	var table strings.Builder
	require.NoError(t, WriteTable(&table, [][]string{{"A", "B"}, {long, "short"}}, false))
	require.Contains(t, table.String(), "short")
	require.Contains(t, table.String(), strings.Repeat("ü", Width-7-1)+"…")
}
