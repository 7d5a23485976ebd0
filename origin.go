package apono

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/apono-go/apono/internal/wire"
)

// origin is embedded in models that can be written back and in the inputs made
// from them. It keeps the JSON of an object that has members unknown to this
// version, so that an update, which replaces the whole object, does not drop
// them. Objects without such members, which is the usual case, keep nothing.
type origin struct{ read *readJSON }

type readJSON struct {
	data      []byte
	modelType reflect.Type // that data was decoded into
}

// updatable is a model that converts to the input of its update.
type updatable interface {
	updateInput() any
	setRead(read *readJSON)
}

func (o *origin) setRead(read *readJSON) { o.read = read }

func (o origin) source() *origin { return &o }

// fromServer says that the object had members that this version does not know.
func (o origin) fromServer() bool { return o.read != nil }

// decodeKnown decodes data into value. If value is a model that can be written
// back and data holds more than it takes, value keeps data.
func decodeKnown[T any](data []byte, value *T) error {
	model, ok := any(value).(updatable)
	if !ok {
		return wire.Unmarshal(data, value)
	}
	unknown, err := wire.UnmarshalKnown(data, value)
	if unknown {
		model.setRead(&readJSON{data: bytes.Clone(data), modelType: reflect.TypeFor[T]()})
	}
	return err
}

// restore adds the unknown members of the object that an input was made from
// to the input's body.
func (o *origin) restore(body []byte) ([]byte, error) {
	if o.read == nil {
		return body, nil
	}
	model, _ := reflect.TypeAssert[updatable](reflect.New(o.read.modelType))
	if err := wire.Unmarshal(o.read.data, model); err != nil {
		return nil, fmt.Errorf("reading the object to update again: %w", err)
	}
	model.setRead(o.read)
	pristine, err := wire.Marshal(model.updateInput())
	if err != nil {
		return nil, fmt.Errorf("converting the object to update again: %w", err)
	}
	return wire.Merge(body, pristine, o.read.data, o.read.modelType, isUnion)
}

// union is a struct of which exactly one member is set.
type union interface{ isUnion() }

func isUnion(t reflect.Type) bool { return t.Implements(reflect.TypeFor[union]()) }

// The conversions from models to inputs copy what they take, so that editing an
// input leaves the model as it was read.

func clonePtr[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// cloneObject copies a free-form JSON object.
func cloneObject(object map[string]any) map[string]any {
	if object == nil {
		return nil
	}
	clone, _ := cloneJSON(object).(map[string]any)
	return clone
}

func cloneJSON(value any) any {
	switch value := value.(type) {
	case map[string]any:
		clone := make(map[string]any, len(value))
		for name, member := range value {
			clone[name] = cloneJSON(member)
		}
		return clone
	case []any:
		clone := make([]any, len(value))
		for i, element := range value {
			clone[i] = cloneJSON(element)
		}
		return clone
	default:
		return value
	}
}

// reference returns how an update refers to an object that was read with its id
// and name: by id, which stays right when the name changes.
func reference(id, name *string) *string {
	if id != nil {
		return clonePtr(id)
	}
	return clonePtr(name)
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

// unknownKind is embedded in the inputs of unions that stand in arrays. It
// remembers where one was read that has a member which this version does not
// know, for without it one such element could not be told from another.
type unknownKind struct {
	read  *readJSON
	place int // from 1
}

func (u *unknownKind) setPlace(o origin, place int) { u.read, u.place = o.read, place }

// isOf reports whether the element was read as a part of an object.
func (u unknownKind) isOf(o origin) bool { return u.read != nil && u.read == o.read }

// marshal encodes the plain form of the union, unless it is of an unknown kind.
func (u unknownKind) marshal(plain any, known bool) ([]byte, error) {
	if u.read != nil && !known {
		return wire.Marked(u.place), nil
	}
	return wire.Marshal(plain)
}

// convertTargets is convert for targets of access. Those of which nothing is
// known remember their places.
func convertTargets[A, B any, P interface {
	*B
	setPlace(o origin, place int)
}](o origin, in []A, conversion func(A) B) []B {
	out := convert(in, conversion)
	for i := range out {
		if reflect.ValueOf(out[i]).IsZero() {
			P(&out[i]).setPlace(o, i+1)
		}
	}
	return out
}
