// Package apitest is what the tests of this module share: clients whose server
// is a script, fixtures, lists to page through, and assertions that testify does
// not have. The scripted transport and the hostile server are below it, in
// packages that import nothing of this module, so that the tests inside any
// package can use them.
package apitest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ErrorAs fails unless err is a T or wraps one, and returns it.
func ErrorAs[T error](tb testing.TB, err error) T {
	tb.Helper()
	var target T
	require.ErrorAs(tb, err, &target)
	return target
}

// JSONEq fails unless both texts are the same JSON value. Unlike testify's, it
// compares numbers digit by digit: 1, 1.0 and 1e0 are three numbers.
func JSONEq(tb testing.TB, expected, actual string, msgAndArgs ...any) {
	tb.Helper()
	require.Equal(tb, ParseJSON(tb, expected), ParseJSON(tb, actual), msgAndArgs...)
}

// ParseJSON returns the value of a JSON text. Its numbers keep their digits.
func ParseJSON(tb testing.TB, text string) any {
	tb.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(tb, decoder.Decode(&value), text)
	return value
}

// Path returns where a file or folder of the repository lies, given its path
// from the root, for tests of any package.
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
