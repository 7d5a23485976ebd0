package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/aponotest"
	"github.com/apono-go/apono/examples/internal/process"
	"github.com/stretchr/testify/require"
)

// The table has the width of the terminal, and rows stay apart.
func TestTableOnTerminal(t *testing.T) {
	t.Parallel()
	for columns, first := range map[uint16]string{
		60:  "aws-accoun…on-orders  aws-acc…  RESOURCES  ACTIVE  producti…",
		80:  "aws-account-production-orders  aws-account  RESOURCES  ACTIVE  production-co…",
		200: "aws-account-production-orders  aws-account  RESOURCES  ACTIVE  production-connector",
	} {
		shown, code := process.RunOnTerminal(t, columns, nil)
		require.Zero(t, code)
		lines := strings.Split(strings.TrimSuffix(shown, "\n"), "\n")
		require.Len(t, lines, 14)
		require.Equal(t, first, strings.Join(strings.Fields(lines[2]), "  "))
		seen := map[string]bool{}
		for _, line := range lines[1:] {
			require.LessOrEqual(t, utf8.RuneCountInString(line), int(columns), line)
			require.False(t, seen[line], line)
			seen[line] = true
		}
	}
}

// Neither a wide terminal nor TERM=dumb, nor any name, gets control characters.
func TestNamesOnTerminal(t *testing.T) {
	t.Parallel()
	server := aponotest.NewServer(t)
	server.Put(aponotest.Integrations,
		apono.Integration{ID: "i1", Name: "日本語\x1b]0;title\a\u009b2J\u202eevil\r", Type: "mysql"}, apono.Integration{ID: "i2", Name: "orders", Type: "mysql"})
	env := withToken(server, server.Token)
	for _, args := range [][]string{nil, {"-json"}, {"-wide"}} {
		shown, code := process.RunOnTerminal(t, 200, append(env, "TERM=dumb"), args...)
		require.Zero(t, code)
		require.NotContains(t, strings.Map(func(r rune) rune {
			if strings.ContainsRune("\x1b\a\r\u009b\u202e", r) {
				return '!'
			}
			return r
		}, shown), "!")
		require.Contains(t, shown, "日本語\\u001b]0;title\\u0007\\u009b2J\\u202eevil")
	}
}
