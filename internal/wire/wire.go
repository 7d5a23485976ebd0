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
	"strings"
)

// ErrNull says that a body is null where a value is due.
var ErrNull = errors.New("the body is null")

// ErrEmpty says that a body is empty where a value is due.
var ErrEmpty = errors.New("the body is empty")

// Revealer is a value that prints redacted and gives its content on request.
type Revealer interface {
	Reveal() map[string]string
}

// Unmarshal decodes a body that must hold one JSON value and nothing after it.
// Unknown members are ignored. An empty body and null are errors.
func Unmarshal(data []byte, v any) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return ErrEmpty
	case string(data) == "null":
		return ErrNull
	}
	return json.Unmarshal(data, v)
}

// UnmarshalKnown is Unmarshal, and reports whether the body holds members that
// no field of v takes. Bodies without any are decoded once.
func UnmarshalKnown[T any](data []byte, v *T) (unknown bool, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(v)
	if err == nil {
		rest, _ := io.ReadAll(decoder.Buffered())
		if len(bytes.TrimSpace(rest)) == 0 && string(bytes.TrimSpace(data)) != "null" {
			return false, nil
		}
	}
	unknown = err != nil && strings.HasPrefix(err.Error(), "json: unknown field")
	*v = *new(T)
	return unknown, Unmarshal(data, v)
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
		if v.IsNil() {
			b.WriteString("{}")
			return nil
		}
		return encodeLeaf(b, v)
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
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(b, "%q:", field.name)
		if err := encode(b, value); err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
	}
	b.WriteByte('}')
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
