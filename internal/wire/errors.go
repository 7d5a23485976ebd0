package wire

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An Error describes an invalid value without quoting it. Path is where the value
// is in the body, such as ".items[37].name".
type Error struct{ Path, Reason string }

// Error returns path and reason.
func (e *Error) Error() string {
	return strings.TrimPrefix(strings.TrimPrefix(e.Path, ".")+": "+e.Reason, ": ")
}

// describe returns why a body cannot be decoded, or a value encoded.
func describe(err error) error {
	if err == nil {
		return nil
	}
	result := new(Error)
	if wrong := (*jsonv2.SemanticError)(nil); errors.As(err, &wrong) {
		result.Path, result.Reason = path(wrong.JSONPointer), mismatch(wrong)
		err = wrong.Err
	}
	own, syntax := (*Error)(nil), (*jsontext.SyntacticError)(nil)
	switch {
	case errors.As(err, &own): // from an UnmarshalJSON method
		result.Path, result.Reason = result.Path+own.Path, own.Reason
	case errors.As(err, &syntax):
		result.Path = ""                                            // may contain parts of values
		result.Reason, _, _ = strings.Cut(syntax.Err.Error(), " `") // without the quoted escape sequence
	case result.Reason == "":
		result.Reason = err.Error()
	}
	return result
}

// mismatch describes a value that does not fit its Go type. It returns an empty
// string if e.Err describes it.
func mismatch(e *jsonv2.SemanticError) string {
	t := e.GoType
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return errTime.Error()
	case errors.Is(e.Err, strconv.ErrRange):
		return "number out of the range of " + t.String()
	case t == nil || e.Err != nil && !errors.Is(e.Err, strconv.ErrSyntax):
		return ""
	case e.JSONKind == 0:
		return "unsupported type " + t.String()
	}
	return "cannot unmarshal " + kinds[e.JSONKind] + " into Go " + t.Kind().String()
}

var kinds = map[jsontext.Kind]string{'{': "object", '[': "array", '"': "string", '0': "number", 't': "bool", 'f': "bool", 'n': "null"}

// path returns a JSON pointer in Go syntax, or an empty string if that is longer
// than 200 bytes.
func path(pointer jsontext.Pointer) (text string) {
	for token := range pointer.Tokens() {
		if strings.Trim(token, "0123456789") == "" {
			text += "[" + token + "]"
		} else {
			text += "." + token
		}
		if len(text) > 200 {
			return ""
		}
	}
	return text
}
