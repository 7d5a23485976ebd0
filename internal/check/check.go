// Package check holds the assertions of this module's tests. They stop the test
// at the first failure.
//
// It stands here in place of an assertion library because the requirements of
// a module's tests enter the module graph of everybody who imports it.
package check

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// Equal fails unless got and want are deeply equal.
func Equal[T any](tb testing.TB, got, want T) {
	tb.Helper()
	if !reflect.DeepEqual(got, want) {
		tb.Fatalf("got  %#v\nwant %#v", got, want)
	}
}

// True fails unless the condition holds; args say what was expected.
func True(tb testing.TB, condition bool, format string, args ...any) {
	tb.Helper()
	if !condition {
		tb.Fatalf("expected "+format, args...)
	}
}

// NoError fails on an error.
func NoError(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatalf("unexpected error: %v", err)
	}
}

// ErrorIs fails unless errors.Is finds target in err.
func ErrorIs(tb testing.TB, err, target error) {
	tb.Helper()
	if !errors.Is(err, target) {
		tb.Fatalf("got error %v (%T), want one that is %v", err, err, target)
	}
}

// ErrorAs fails unless errors.As finds a T in err, and returns it.
func ErrorAs[T error](tb testing.TB, err error) T {
	tb.Helper()
	var target T
	if !errors.As(err, &target) {
		tb.Fatalf("got error %v (%T), want a %T", err, err, target)
	}
	return target
}

// Contains fails unless text contains every part.
func Contains(tb testing.TB, text string, parts ...string) {
	tb.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			tb.Fatalf("%q is missing in\n%s", part, text)
		}
	}
}

// Lacks fails if text contains any of the parts.
func Lacks(tb testing.TB, text string, parts ...string) {
	tb.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			tb.Fatalf("%q must not be in\n%s", part, text)
		}
	}
}

// JSON fails unless got and want are the same JSON value, numbers being the
// same to the letter.
func JSON(tb testing.TB, got, want string) {
	tb.Helper()
	if !reflect.DeepEqual(parse(tb, got), parse(tb, want)) {
		tb.Fatalf("got  %s\nwant %s", got, want)
	}
}

func parse(tb testing.TB, text string) any {
	tb.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		tb.Fatalf("not JSON: %v\n%s", err, text)
	}
	return value
}
