// Package wire turns values into JSON bodies and JSON bodies into values.
//
// It differs from encoding/json where the API asks for it: required arrays and
// maps are never sent as null, credentials that print redacted are sent as they
// are, and members that this version does not know survive an update. And it
// reads a body in the same way whichever release of Go it is built with.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Values that print redacted and give their content on request.
type (
	textRevealer   interface{ Reveal() map[string]string }
	objectRevealer interface{ Reveal() map[string]any }
)

// maxDepth is how deep values may be nested, as a guard against cycles.
const maxDepth = 1000

// Marshal encodes a request body. It does what encoding/json does, but nil
// slices and maps are sent as [] and {} unless their field is tagged omitzero,
// and values that print redacted are sent in the clear.
func Marshal(v any) ([]byte, error) {
	e := encoders.Get().(*encoder) //nolint:forcetypeassert // nothing else is put there
	defer func() {
		if e.Cap() <= keptBuffer {
			encoders.Put(e)
		}
	}()
	e.Reset()
	e.depth = 0
	if err := e.encode(reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	return bytes.Clone(e.Bytes()), nil
}

// encoders keeps buffers for the next body, which would grow by copying.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

// keptBuffer is the largest buffer that is kept to be used again.
const keptBuffer = 1 << 20

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
	t := v.Type()
	info := infoOf(t)
	if info.marshaler {
		switch value := v.Interface().(type) {
		case textRevealer:
			return e.encode(reflect.ValueOf(value.Reveal()))
		case objectRevealer:
			return e.encode(reflect.ValueOf(value.Reveal()))
		default:
			return e.leaf(value)
		}
	}
	switch kind := t.Kind(); {
	case kind == reflect.Pointer || kind == reflect.Interface:
		return e.encode(v.Elem())
	case kind == reflect.Struct && info.plain:
		return e.object(v, info.fields)
	case kind == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return e.array(v)
	case kind == reflect.Map && info.plain:
		return e.mapping(v)
	case kind == reflect.String && info.plain:
		return e.text(v.String())
	case kind == reflect.Bool:
		e.Write(strconv.AppendBool(e.AvailableBuffer(), v.Bool()))
		return nil
	case v.CanInt():
		e.Write(strconv.AppendInt(e.AvailableBuffer(), v.Int(), 10))
		return nil
	}
	return e.leaf(v.Interface())
}

func (e *encoder) object(v reflect.Value, fields []field) error {
	e.WriteByte('{')
	first := true
	for _, field := range fields {
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
	if err := e.text(name); err != nil {
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

// text writes a string. It leaves those that need an escape, or a look at their
// UTF-8, to encoding/json.
func (e *encoder) text(s string) error {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return e.leaf(s)
		}
	}
	e.WriteByte('"')
	e.WriteString(s)
	e.WriteByte('"')
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
