// Package apitest has helpers for the tests of this module: clients with a scripted
// server, fixtures, paginated lists, and assertions that testify does not have. The
// packages script and hostile below it import nothing of this module, so that tests
// in any package can use them.
package apitest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ErrorAs returns err as a T. The test fails if err neither is a T nor wraps one.
func ErrorAs[T error](tb testing.TB, err error) T {
	tb.Helper()
	var target T
	require.ErrorAs(tb, err, &target)
	return target
}

// JSONEq fails the test unless both strings are the same JSON value. Unlike that of
// testify, it compares numbers as strings: 1, 1.0 and 1e0 are different.
func JSONEq(tb testing.TB, expected, actual string, msgAndArgs ...any) {
	tb.Helper()
	require.Equal(tb, ParseJSON(tb, expected), ParseJSON(tb, actual), msgAndArgs...)
}

// ParseJSON decodes a JSON text, with numbers as json.Number.
func ParseJSON(tb testing.TB, text string) any {
	tb.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(tb, decoder.Decode(&value), text)
	return value
}

// Path returns the absolute path of a file or folder, given its slash-separated path
// from the root of the repository.
func Path(name string) string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, filepath.FromSlash(name))
		}
		if dir == filepath.Dir(dir) {
			panic("apitest: no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}
