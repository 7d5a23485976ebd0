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

// Revealer is a value that prints redacted and gives its content on request.
type Revealer interface {
	Reveal() map[string]string
}

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

// Marshal encodes a request body. Nil slices and maps are sent as [] and {}
// unless their field is tagged omitzero, and Revealers are sent in the clear.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := encode(&b, reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	revealer      = reflect.TypeFor[Revealer]()
)

func encode(b *bytes.Buffer, v reflect.Value) error {
	if !v.IsValid() {
		b.WriteString("null")
		return nil
	}
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer && !v.IsNil():
		return encode(b, v.Elem())
	case t.Implements(revealer):
		return encode(b, reflect.ValueOf(v.Interface().(Revealer).Reveal()))
	case t.Implements(jsonMarshaler), t.Implements(textMarshaler):
		return encodeLeaf(b, v)
	}
	switch t.Kind() {
	case reflect.Struct:
		return encodeStruct(b, v)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return encodeLeaf(b, v)
		}
		return encodeSlice(b, v)
	case reflect.Map:
		if t.Key().Kind() == reflect.String && !t.Key().Implements(textMarshaler) {
			return encodeMap(b, v)
		}
		return encodeLeaf(b, v)
	case reflect.Interface:
		return encode(b, v.Elem())
	default:
		return encodeLeaf(b, v)
	}
}

func encodeStruct(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('{')
	first := true
	for _, field := range fieldsOf(v.Type()) {
		value := v.Field(field.index)
		if field.omitZero && value.IsZero() {
			continue
		}
		if err := encodeMember(b, field.name, value, first); err != nil {
			return err
		}
		first = false
	}
	b.WriteByte('}')
	return nil
}

// encodeMap goes into free-form values too, for the sake of what they hold.
func encodeMap(b *bytes.Buffer, v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	b.WriteByte('{')
	for i, key := range keys {
		if err := encodeMember(b, key.String(), v.MapIndex(key), i == 0); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func encodeMember(b *bytes.Buffer, name string, value reflect.Value, first bool) error {
	if !first {
		b.WriteByte(',')
	}
	if err := encodeLeaf(b, reflect.ValueOf(name)); err != nil {
		return err
	}
	b.WriteByte(':')
	if err := encode(b, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func encodeSlice(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(b, v.Index(i)); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	b.WriteByte(']')
	return nil
}

func encodeLeaf(b *bytes.Buffer, v reflect.Value) error {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v.Interface()); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line break that Encode adds
	return nil
}

type field struct {
	name     string
	index    int
	typ      reflect.Type
	omitZero bool
}

// fieldsOf lists the fields of a struct that take part in JSON. The models of
// this library tag every field and embed none that carries members.
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
		fields = append(fields, field{
			name: name, index: i, typ: f.Type,
			omitZero: options == "omitzero" || options == "omitempty",
		})
	}
	return fields
}
