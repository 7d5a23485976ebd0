package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// Printed returns the value as printed by package fmt, package log/slog and
// json.Marshal.
func Printed(value any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&b, verb+"\n", value)
	}
	everything := &slog.HandlerOptions{Level: slog.LevelDebug}
	slog.New(slog.NewTextHandler(&b, everything)).Info("value", "value", value)
	slog.New(slog.NewJSONHandler(&b, everything)).Info("value", "value", value)
	if encoded, err := json.Marshal(value); err == nil {
		b.Write(encoded)
	}
	return b.String()
}

// PrintReachable prints a value and all values of this module that it refers to, as
// a debugger does. It skips script.Transport, which keeps the requests unredacted.
func PrintReachable(v reflect.Value, seen map[uintptr]bool, b *strings.Builder) {
	switch v.Kind() {
	case reflect.Interface:
		PrintReachable(v.Elem(), seen, b)
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] || v.Type() == reflect.TypeFor[*script.Transport]() {
			return
		}
		seen[v.Pointer()] = true
		PrintReachable(v.Elem(), seen, b)
	case reflect.Struct:
		fmt.Fprintf(b, "%+v\n%#v\n", v, v)
		if strings.HasPrefix(v.Type().PkgPath(), "github.com/apono-go/apono") {
			for i := range v.NumField() {
				PrintReachable(v.Field(i), seen, b)
			}
		}
	}
}

// JSONLogger returns an option that logs records as lines of JSON without the time.
func JSONLogger(w io.Writer) apono.Option {
	return apono.WithLogger(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			if attr.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return attr
		},
	})))
}

// IsPresentable fails the test unless the error's text is valid, short, on one line
// and without an email address.
func IsPresentable(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	require.Truef(t, utf8.ValidString(text), "invalid UTF-8: %q", text)
	require.Less(t, len(text), 1200, "the text is too long")
	require.Falsef(t, strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }), "more than one line: %q", text)
	require.NotRegexp(t, `\S@\S`, text, "the text contains an email address")
}

// Logged returns the value as logged by the handlers of package log/slog.
func Logged(value any) string {
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("value", "value", value)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("value", "value", value)
	return b.String()
}
