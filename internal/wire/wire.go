// Package wire turns values into JSON bodies and JSON bodies into values.
//
// It differs from encoding/json where the API asks for it: required arrays and
// maps are never sent as null, credentials that print redacted are sent as they
// are, and members that this version does not know survive an update.
package wire

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// ErrNull says that a body is null where a value is due.
var ErrNull = errors.New("the body is null")

// ErrEmpty says that a body is empty where a value is due.
var ErrEmpty = errors.New("the body is empty")

// ErrTrailing says that something follows the value in a body.
var ErrTrailing = errors.New("something follows the value")

// Values that print redacted and give their content on request.
type (
	textRevealer   interface{ Reveal() map[string]string }
	objectRevealer interface{ Reveal() map[string]any }
)

// Unmarshal decodes a body that must hold one JSON value and nothing after it.
// Unknown members are ignored, and numbers in free-form values keep every digit.
// An empty body and null are errors.
func Unmarshal(data []byte, v any) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return ErrEmpty
	case string(data) == "null":
		return ErrNull
	}
	return decode(newDecoder(data), v)
}

// UnmarshalKnown is Unmarshal, and reports whether the body holds members that
// no field of v takes. Bodies without any are decoded once.
func UnmarshalKnown[T any](data []byte, v *T) (unknown bool, err error) {
	if string(bytes.TrimSpace(data)) != "null" {
		decoder := newDecoder(data)
		decoder.DisallowUnknownFields()
		if err = decode(decoder, v); err == nil {
			return false, nil
		}
	}
	unknown = err != nil && strings.HasPrefix(err.Error(), "json: unknown field")
	*v = *new(T)
	return unknown, Unmarshal(data, v)
}

func newDecoder(data []byte) *json.Decoder {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder
}

func decode(decoder *json.Decoder, v any) error {
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return ErrTrailing
	}
	return nil
}

// maxDepth is how deep values may be nested, as a guard against cycles.
const maxDepth = 1000

// Marshal encodes a request body. It does what encoding/json does, but nil
// slices and maps are sent as [] and {} unless their field is tagged omitzero,
// and values that print redacted are sent in the clear.
func Marshal(v any) ([]byte, error) {
	var e encoder
	if err := e.encode(reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	return e.Bytes(), nil
}

type encoder struct {
	bytes.Buffer
	depth int
}

func (e *encoder) encode(v reflect.Value) error {
	if e.depth++; e.depth > maxDepth {
		return errors.New("the value is nested too deep, or holds itself")
	}
	defer func() { e.depth-- }()
	if !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
		_, err := e.WriteString("null")
		return err
	}
	switch value := v.Interface().(type) {
	case textRevealer:
		return e.encode(reflect.ValueOf(value.Reveal()))
	case objectRevealer:
		return e.encode(reflect.ValueOf(value.Reveal()))
	case json.Marshaler, encoding.TextMarshaler:
		return e.leaf(value)
	}
	switch t := v.Type(); {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		return e.encode(v.Elem())
	case t.Kind() == reflect.Struct && isPlain(t):
		return e.object(v)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return e.array(v)
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && !t.Key().Implements(textMarshaler):
		return e.mapping(v)
	}
	return e.leaf(v.Interface())
}

var textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()

func (e *encoder) object(v reflect.Value) error {
	e.WriteByte('{')
	first := true
	for _, field := range fieldsOf(v.Type()) {
		value := v.Field(field.index)
		if field.omitZero && value.IsZero() {
			continue
		}
		if err := e.member(field.name, value, first); err != nil {
			return err
		}
		first = false
	}
	e.WriteByte('}')
	return nil
}

// mapping goes into free-form values too, for the sake of what they hold.
func (e *encoder) mapping(v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	e.WriteByte('{')
	for i, key := range keys {
		if err := e.member(key.String(), v.MapIndex(key), i == 0); err != nil {
			return err
		}
	}
	e.WriteByte('}')
	return nil
}

func (e *encoder) member(name string, value reflect.Value, first bool) error {
	if !first {
		e.WriteByte(',')
	}
	if err := e.leaf(name); err != nil {
		return err
	}
	e.WriteByte(':')
	if err := e.encode(value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (e *encoder) array(v reflect.Value) error {
	e.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			e.WriteByte(',')
		}
		if err := e.encode(v.Index(i)); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	e.WriteByte(']')
	return nil
}

// leaf leaves a value to encoding/json.
func (e *encoder) leaf(v any) error {
	encoder := json.NewEncoder(&e.Buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	e.Truncate(e.Len() - 1) // the line break that Encode adds
	return nil
}

type field struct {
	name     string
	index    int
	typ      reflect.Type
	omitZero bool
}

// Names returns the names of the members that a T takes.
func Names[T any]() []string {
	var names []string
	for _, field := range fieldsOf(reflect.TypeFor[T]()) {
		names = append(names, field.name)
	}
	return names
}

// fieldsOf lists the fields of a plain struct that take part in JSON.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if !tagged || name == "" {
			name = f.Name
		}
		fields = append(fields, field{name: name, index: i, typ: f.Type, omitZero: options == "omitzero"})
	}
	return fields
}

// isPlain says that a struct uses nothing of encoding/json's that this package
// does itself in another way, as all models do. Others are left to
// encoding/json.
func isPlain(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if options != "" && options != "omitzero" {
			return false
		}
		if f.Anonymous && (f.IsExported() || f.Type.Kind() != reflect.Struct || len(fieldsOf(f.Type)) > 0) {
			return false
		}
	}
	return true
}
