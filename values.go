package apono

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"

	"github.com/apono-go/apono/internal/wire"
)

// Extra holds, by name, the JSON fields of an object that this version does not know.
// They are part of the JSON of the object. [Integration.UpdateInput] and similar
// methods copy them into the input, so that an update keeps them.
//
// Fields that a program adds to an Extra are sent. If one of them is a field of the
// struct itself, the call returns an [*ArgumentError].
//
// encoding/json reads and writes objects with their Extra. On Go 1.26 it does so by
// methods of the types: a struct that embeds such a type gets them too, and loses its own
// fields. From Go 1.27 on it handles Extra itself: embedding works, names match in any
// letter case, times must be in RFC 3339, and a name that is both a field and in Extra is
// written twice. Both encoding/json/v2 and the methods reject such a name.
//
// An Extra prints and logs only the names of its fields, because their values may be
// credentials.
type Extra map[string]json.RawMessage

// String returns the names of the fields.
func (e Extra) String() string { return fmt.Sprint(slices.Sorted(maps.Keys(e))) }

// Format prints the names of the fields with every verb.
func (e Extra) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, e.String()) }

// LogValue returns the names of the fields.
func (e Extra) LogValue() slog.Value { return slog.StringValue(e.String()) }

// Object is a free-form JSON object. Its numbers are of type json.Number, which keeps
// all digits. A map[string]any can be assigned to it.
type Object map[string]any

// UnmarshalJSON reads the object, with numbers as json.Number.
func (o *Object) UnmarshalJSON(data []byte) (err error) {
	*o, err = wire.ReadObject(data, *o)
	return err
}

// Message is a response with a message for people and no object.
type Message struct {
	Message string `json:"message"`

	Extra Extra `json:",embed,inline"`
}

// clone returns a deep copy, so that editing an input never changes the model
// that it was made from.
func clone[T any](v T) T {
	reflect.ValueOf(&v).Elem().Set(deepCopy(reflect.ValueOf(v)))
	return v
}

func deepCopy(v reflect.Value) reflect.Value {
	if v.IsZero() {
		return v
	}
	c := v
	switch v.Kind() {
	case reflect.Pointer:
		c = reflect.New(v.Type().Elem())
		c.Elem().Set(deepCopy(v.Elem()))
	case reflect.Interface:
		switch v.Interface().(type) {
		case Object, map[string]any, []any:
			c = deepCopy(v.Elem())
		}
	case reflect.Slice:
		c = reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			c.Index(i).Set(deepCopy(v.Index(i)))
		}
	case reflect.Map:
		c = reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			c.SetMapIndex(key, deepCopy(value))
		}
	case reflect.Struct:
		c = reflect.New(v.Type()).Elem()
		c.Set(v)
		for i := range v.NumField() {
			if c.Field(i).CanSet() {
				c.Field(i).Set(deepCopy(v.Field(i)))
			}
		}
	}
	return c
}

// value returns what a pointer points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// convert applies a conversion to each element of a slice, and keeps nil.
func convert[A, B any](in []A, conversion func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i, element := range in {
		out[i] = conversion(element)
	}
	return out
}

// reference returns how an update refers to an object that was read with its ID and
// name: by ID, which stays right when the name changes.
func reference(id, name *string) *string { return cmp.Or(id, name) }

// without removes fields that an input has itself.
func (e Extra) without(names ...string) Extra {
	for _, name := range names {
		delete(e, name)
	}
	return e
}
