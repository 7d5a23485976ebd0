package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"
)

// ErrNull says that a body is null where a value is due.
var ErrNull = errors.New("the body is null")

// ErrEmpty says that a body is empty where a value is due.
var ErrEmpty = errors.New("the body is empty")

// ErrTrailing says that something follows the value in a body.
var ErrTrailing = errors.New("something follows the value")

// Unmarshal decodes a body that must hold one JSON value and nothing after it,
// with what the standard library has for it: encoding/json/v2, or encoding/json
// in releases of Go before that. Under both alike:
//
//   - An empty body and null are errors.
//   - Names of members match to the letter, case included. Unknown members are
//     ignored.
//   - Numbers in free-form values become a json.Number and keep every digit.
//   - Members with one name are decoded one after the other into one field, and
//     text that is no UTF-8 becomes U+FFFD.
//   - Errors do not quote the body, which may hold credentials.
func Unmarshal(data []byte, v any) error {
	_, err := unmarshal(data, v, false)
	return err
}

// UnmarshalKnown is Unmarshal, and reports whether the body holds members that
// no field takes. Bodies without any are decoded once.
func UnmarshalKnown[T any](data []byte, v *T) (unknown bool, err error) {
	unknown, err = unmarshal(data, v, true)
	if unknown {
		*v = *new(T)
		_, err = unmarshal(data, v, false)
	}
	return unknown, err
}

// UnmarshalStrict is Unmarshal, but gives up, without an error, if the body holds
// members that no field of v takes.
func UnmarshalStrict(data []byte, v any) (unknown bool, err error) { return unmarshal(data, v, true) }

// unmarshal stops at a member that no field takes if all have to be known.
func unmarshal(data []byte, v any, known bool) (unknown bool, err error) {
	data = bytes.Trim(data, " \t\r\n")
	switch {
	case len(data) == 0:
		return false, ErrEmpty
	case string(data) == "null":
		return false, ErrNull
	}
	if target := reflect.ValueOf(v); target.Kind() != reflect.Pointer || target.IsNil() {
		return false, &json.InvalidUnmarshalError{Type: reflect.TypeOf(v)}
	}
	unknown, err = decode(data, v, known)
	if unknown || err == nil {
		return unknown, nil
	}
	return false, conceal(err, data, reflect.TypeOf(v))
}

// typeError is a value of another type than the field's. It has the text that
// encoding/json gives it, without the value.
type typeError struct {
	kind string
	root reflect.Type
	path string
	typ  reflect.Type
}

func (e *typeError) Error() string {
	// The names of generic types are long, and mean nothing to users.
	into, root, typ := "value", e.root.Name(), e.typ.String()
	if strings.Contains(root, "[") {
		root = ""
	}
	if strings.Contains(e.typ.Name(), "[") {
		typ = e.typ.Kind().String()
	}
	if e.path != "" {
		into = "struct field " + strings.TrimPrefix(root+"."+e.path, ".")
	}
	return "json: cannot unmarshal " + e.kind + " into Go " + into + " of type " + typ
}

// newTypeError makes a typeError of what was found in a value that is decoded
// into a pointer.
func newTypeError(kind, path string, typ, pointer reflect.Type) error {
	return &typeError{kind: kind, root: pointer.Elem(), path: path, typ: typ}
}

// Errors in the place of those that quote the body, or differ between releases
// of Go.
var (
	errTime  = errors.New("json: a time is not in the form of RFC 3339")
	errDepth = errors.New("exceeded max depth")
	errUnfit = errors.New("json: a value does not fit the type that it is decoded into")
)

// conceal returns an error that says the same without quoting the body.
func conceal(err error, data []byte, pointer reflect.Type) error {
	own, inTime := (*typeError)(nil), (*time.ParseError)(nil)
	switch {
	case errors.Is(err, ErrTrailing) || !json.Valid(data):
		return whyInvalid(data)
	case errors.As(err, &own):
		return own // of a type that decodes itself by way of this package
	case errors.Is(err, errTime) || errors.As(err, &inTime):
		return errTime
	}
	return concealType(err, pointer)
}

// whyInvalid says why data is not one JSON value.
func whyInvalid(data []byte) error {
	var value json.RawMessage
	err := json.NewDecoder(bytes.NewReader(data)).Decode(&value)
	if err == nil {
		return ErrTrailing
	}
	if strings.HasSuffix(err.Error(), errDepth.Error()) {
		return errDepth
	}
	if text, _, quotes := strings.Cut(err.Error(), " `"); quotes { // an escape sequence, as it stands there
		return errors.New(text)
	}
	return err
}
