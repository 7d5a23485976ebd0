//go:build !go1.27 || !goexperiment.jsonv2

package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
)

// stream is a decoder whose buffer serves one body after the other: a new one
// would copy each body several times, doubling its buffer.
type stream struct {
	*json.Decoder
	bodies bytes.Reader
}

func newStream() *stream {
	s := new(stream)
	s.Decoder = json.NewDecoder(&s.bodies)
	s.UseNumber()
	return s
}

var (
	lenient = sync.Pool{New: func() any { return newStream() }}
	strict  = sync.Pool{New: func() any {
		s := newStream()
		s.DisallowUnknownFields()
		return s
	}}
)

func decode(data []byte, v any, known bool) (unknown bool, err error) {
	data, unknown = exact(data, reflect.TypeOf(v))
	if known && unknown {
		return true, nil
	}
	pool := &lenient
	if known {
		pool = &strict
	}
	s := pool.Get().(*stream)
	s.bodies.Reset(data)
	start := s.InputOffset()
	if err = s.Decode(v); err == nil && s.InputOffset()-start < int64(len(data)) {
		if _, err = s.Token(); err == io.EOF { //nolint:errorlint // it comes bare
			err = nil
		} else {
			err = ErrTrailing
		}
	}
	s.bodies.Reset(nil)
	if err == nil && len(data) <= keptBuffer {
		pool.Put(s) // after an error its state is unknown
	}
	return err != nil && strings.HasPrefix(err.Error(), "json: unknown field"), err
}

// exact returns the body without the members of which the name is a field's but
// for letter case, for encoding/json would take them for that field's; and
// whether there were any. The names of fields are lower case, so that hardly a
// body has to be looked at closely.
func exact(data []byte, t reflect.Type) (pruned []byte, changed bool) {
	if t == nil || !oddNames(data) || !json.Valid(data) {
		return data, false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || !prune(value, t) {
		return data, false
	}
	pruned, err := json.Marshal(value)
	if err != nil {
		return data, false
	}
	return pruned, true
}

// oddNames reports whether a member may have a name with other characters than
// lower case letters, digits and underscores. It looks at what precedes each
// colon.
func oddNames(data []byte) bool {
	for from := 0; ; {
		colon := bytes.IndexByte(data[from:], ':')
		if colon < 0 {
			return false
		}
		name := bytes.TrimRight(data[:from+colon], " \t\r\n")
		from += colon + 1
		if len(name) == 0 || name[len(name)-1] != '"' {
			continue // inside a text
		}
		for i := len(name) - 2; i >= 0 && name[i] != '"'; i-- {
			if c := name[i]; c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return true
			}
		}
	}
}

// prune removes from a value that is to be decoded into a type the members of
// which the name is no field's but folds to one.
func prune(value any, t reflect.Type) (changed bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch value := value.(type) {
	case []any:
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return false
		}
		for _, element := range value {
			changed = prune(element, t.Elem()) || changed
		}
	case map[string]any:
		if t.Kind() == reflect.Map {
			for _, member := range value {
				changed = prune(member, t.Elem()) || changed
			}
		}
		if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(unmarshaler) {
			return changed
		}
		for name, member := range value {
			field, isExact, folds := fieldNamed(t, name)
			switch {
			case isExact:
				changed = prune(member, field) || changed
			case folds:
				delete(value, name)
				changed = true
			}
		}
	}
	return changed
}

// fieldNamed finds the field that a name is, or folds to.
func fieldNamed(t reflect.Type, name string) (typ reflect.Type, isExact, folds bool) {
	for _, field := range infoOf(t).fields {
		if field.name == name {
			return field.typ, true, false
		}
		folds = folds || strings.EqualFold(field.name, name)
	}
	return nil, false, folds
}

// concealType drops the value from an error about a type.
func concealType(err error, pointer reflect.Type) error {
	wrong := (*json.UnmarshalTypeError)(nil)
	switch text := err.Error(); {
	case errors.As(err, &wrong):
		kind, _, _ := strings.Cut(wrong.Value, " ")
		return newTypeError(kind, wrong.Field, wrong.Type, pointer)
	case strings.HasPrefix(text, "Time.UnmarshalJSON: "):
		return errTime
	case strings.HasPrefix(text, "json: "):
		return errUnfit
	}
	return err // a type's own
}
