package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// The table has the width of the terminal, and flags are whole.
func TestTableOnTerminal(t *testing.T) {
	t.Parallel()
	for _, columns := range []uint16{60, 80, 200} {
		shown, code := process.RunOnTerminal(t, columns, nil, "-demo", "-flagged")
		require.Zero(t, code)
		lines := strings.Split(strings.TrimSuffix(shown, "\n"), "\n")
		require.Len(t, lines, 1+7+1)
		require.True(t, strings.HasSuffix(lines[2], "  no approver, no end, no MFA"), lines[2])
		require.True(t, strings.HasSuffix(lines[7], "  no approver for agents"), lines[7])
		for _, line := range lines[:8] {
			require.LessOrEqual(t, utf8.RuneCountInString(line), int(columns), line)
		}
		require.Equal(t, columns != 200, strings.Contains(shown, "…"))
	}
}
