package program

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func tableOf(t *testing.T, layout Table, rows ...[]string) []string {
	t.Helper()
	var table strings.Builder
	require.NoError(t, WriteTable(&table, rows, layout))
	return strings.Split(strings.TrimSuffix(table.String(), "\n"), "\n")
}

func TestTableFitsWidth(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 300)
	for _, rows := range [][][]string{
		{{"A"}, {long}},
		{{"A", "B"}, {long, "short"}, {"x", long}},
		{{"A", "B", "C", "D", "E", "F"}, {long, long, long, "", "e\tf", long}},
	} {
		for _, width := range []int{60, 80, 200} {
			lines := tableOf(t, Table{Width: width, First: []string{"B"}}, rows...)
			for _, line := range lines {
				require.LessOrEqual(t, textWidth(line), width)
			}
			require.Contains(t, strings.Join(lines, "\n"), "ü…")
		}
		table := strings.Join(tableOf(t, Table{}, rows...), "\n")
		require.Contains(t, table, long)
		require.NotContains(t, table, "…")
	}
}

// The columns First are shortened before the others, and Whole never.
func TestTableShortensInOrder(t *testing.T) {
	t.Parallel()
	layout := Table{First: []string{"TYPE"}, Whole: []string{"FLAGS"}}
	rows := [][]string{{"NAME", "TYPE", "FLAGS"}, {"orders-production", "postgresql", "no approver, no MFA"}}
	for width, want := range map[int]string{
		80: "orders-production  postgresql  no approver, no MFA",
		48: "orders-production  postgre…  no approver, no MFA",
		47: "orders-p…duction  postgre…  no approver, no MFA",
		44: "orders…uction  postgre…  no approver, no MFA",
	} {
		layout.Width = width
		require.Equal(t, want, tableOf(t, layout, rows...)[1], width)
	}
}

// Different names stay different, even if the table is then too wide.
func TestTableNeverCutsToAmbiguity(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{
		{"orders", "orders-archive", "orders-archive-2"},
		{"aws-account-production-orders-eu", "aws-account-development-orders-eu"},
		{"aaaaaaaaaaaaaaaaXaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaYaaaaaaaaaaaaaaaa"},
	} {
		for width := range 60 {
			rows := [][]string{{"NAME", "OTHER"}}
			for _, name := range names {
				rows = append(rows, []string{name, "x"})
			}
			seen := map[string]bool{}
			for _, line := range tableOf(t, Table{Width: width + 1}, rows...) {
				require.Falsef(t, seen[line], "%d: %s", width, line)
				seen[line] = true
			}
		}
	}
}

// Wide characters take two columns, and marks none.
func TestTableCountsColumns(t *testing.T) {
	t.Parallel()
	lines := tableOf(t, Table{Width: 14}, []string{"NAME", "B"}, []string{"日本語の名前です", "x"}, []string{"e\u0301a", "y"})
	require.Equal(t, []string{"NAME         B", "日本…前です  x", "e\u0301a           y"}, lines)
	for _, line := range lines {
		require.LessOrEqual(t, textWidth(line), 14)
	}
	for text, columns := range map[string]int{"ｆｕｌｌ": 8, "한글": 4, "🙂": 2, "é…–": 3, "ｱ": 1} {
		require.Equal(t, columns, textWidth(text), text)
	}
}

func TestTableIsClean(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"A", `a b\u001b[2J\u000d\u009bc\u202e\xff`, "-"},
		tableOf(t, Table{}, []string{"A"}, []string{"a\tb\x1b[2J\r\u009bc\u202e\xff"}, []string{"\n"}))
}
